from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.domain.late_start import Beginning, begins, ended_before

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes_before", "expected"),
    [(30, True), (0, True), (-1, True), (-2, False)],
    ids=["before", "same", "near", "after"],
)
def test_time_decides_where_the_charge_point_has_one(*, minutes_before: int, expected: bool) -> None:
    start = Beginning(NOON - timedelta(minutes=minutes_before), 9000)
    assert begins(start, Beginning(NOON, 5000), believed=True, running=False) is expected


@pytest.mark.parametrize(
    ("register_wh", "running", "expected"),
    [(4000, True, True), (5000, True, True), (5001, True, False), (4000, False, False), (None, True, False)],
)
def test_the_register_decides_where_there_is_no_clock(
    *, register_wh: int | None, running: bool, expected: bool
) -> None:
    start = Beginning(NOON + timedelta(hours=1), register_wh)
    assert begins(start, Beginning(NOON, 5000), believed=False, running=running) is expected
    assert not begins(start, Beginning(NOON, None), believed=False, running=running)


def test_an_end_before_the_first_sample_is_another_transactions() -> None:
    assert ended_before(NOON - timedelta(minutes=2), NOON)
    assert not ended_before(NOON, NOON)
    assert not ended_before(NOON, None)
