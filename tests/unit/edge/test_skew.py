from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.skew import FEWEST, KEPT, SPREAD_S, correct, learn
from edge.domain.timestamps import Timestamp

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR_S = 3600.0


def test_an_estimate_needs_three_offsets_that_agree() -> None:
    offsets: list[float] = []
    estimates = []
    for offset in (100.0, 102.0, 101.0, 500.0):
        offsets, skew = learn(offsets, offset)
        estimates.append(skew)
    assert estimates == [None, None, 101.0, None]


@given(st.lists(st.floats(-1e9, 1e9), min_size=FEWEST, max_size=20))
def test_an_estimate_lies_among_the_last_offsets(offsets: list[float]) -> None:
    kept: list[float] = []
    for offset in offsets:
        kept, skew = learn(kept, offset)
    assert kept == offsets[-KEPT:]
    assert skew is None or min(kept) <= skew <= max(kept)
    assert (skew is None) == (max(kept) - min(kept) > SPREAD_S)


@pytest.mark.parametrize(
    ("flag", "skew_s", "by_s", "told"),
    [
        (None, None, 0, None),
        (None, 60, 0, None),
        (None, 61, 61, "skewed"),
        ("future", -7 * HOUR_S, -7 * HOUR_S, "skewed"),
        ("no_zone", -7 * HOUR_S - 119, -7 * HOUR_S, "zone_from_skew"),
        ("no_zone", -7 * HOUR_S - 121, 0, "no_zone"),
        ("no_zone", 119, 0, "no_zone"),
        ("absurd", 900, 0, "absurd"),
        ("no_time_stamp", 900, 0, "no_time_stamp"),
    ],
)
def test_a_reading_is_corrected_where_it_can_be(flag: str | None, skew_s: float | None, by_s: float, told: str) -> None:
    assert correct(Timestamp(NOON, flag), skew_s) == Timestamp(NOON + timedelta(seconds=by_s), told)
