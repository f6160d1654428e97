from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.energy import Energy, energy
from edge.domain.transaction import (
    EndedTwin,
    doubts_of_stop,
    estimate_meter_stop,
    is_history,
    is_retry_of,
    start_key,
    stop_key,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REGISTER = st.none() | st.integers(0, 10**9)


def test_a_retry_has_the_key_of_its_start_however_it_spells_time_and_id_tag() -> None:
    assert start_key("CP1", 1, "Abc", "2026-03-01T12:00:00Z", 0) == start_key("CP1", 1, "aBC", "2026-03-01T14:00+02", 0)


@pytest.mark.parametrize(
    "other",
    [
        ("CP2", 1, "ABC", "2026-03-01T12:00:00Z", 0),
        ("CP1", 2, "ABC", "2026-03-01T12:00:00Z", 0),
        ("CP1", 1, "ABD", "2026-03-01T12:00:00Z", 0),
        ("CP1", 1, "ABC", "2026-03-01T12:00:01Z", 0),
        ("CP1", 1, "ABC", "2026-03-01T12:00:00Z", 1),
        ("CP1", 1, "ABC", "2026-03-01T12:00:00Z", None),
        ("CP1", 1, "ABC", None, 0),
    ],
)
def test_a_start_that_says_anything_else_is_another(other: tuple[str, int, str, object, object]) -> None:
    assert start_key(*other) != start_key("CP1", 1, "ABC", "2026-03-01T12:00:00Z", 0)


def test_identities_and_id_tags_cannot_run_into_each_other() -> None:
    assert start_key("A|1", 2, "T", None, 0) != start_key("A", 1, "2|T", None, 0)
    assert stop_key("A", 1, "x|2", 3) != stop_key("A", 1, "x", "2|3")


def test_a_stop_has_a_key_of_its_own_kind() -> None:
    key = stop_key("CP1", -1, "2026-03-01T12:00:00Z", 25)
    assert key == stop_key("CP1", -1, "2026-03-01 12:00:00+00:00", 25)
    assert key != stop_key("CP1", 0, "2026-03-01T12:00:00Z", 25)
    assert key != start_key("CP1", -1, "", "2026-03-01T12:00:00Z", 25)


@pytest.mark.parametrize(
    ("meter_start", "meter_stop", "worth"),
    [
        (0, 25, Energy(25)),
        (1000, 1000, Energy(0)),
        (None, 8_000_000, Energy(None, "no_baseline")),
        (5, None, Energy(None, "no_baseline")),
        (None, None, Energy(None, "no_baseline")),
        (1000, 999, Energy(None, "meter_went_back")),
    ],
)
def test_energy_needs_both_ends_of_a_register_that_went_forward(
    meter_start: int | None, meter_stop: int | None, worth: Energy
) -> None:
    assert energy(meter_start, meter_stop) == worth


@given(meter_start=REGISTER, meter_stop=REGISTER)
def test_energy_is_never_negative_and_a_missing_one_says_why(meter_start: int | None, meter_stop: int | None) -> None:
    worth = energy(meter_start, meter_stop)
    assert (worth.energy_wh is None) == (worth.flag is not None)
    assert worth.energy_wh is None or worth.energy_wh >= 0


@pytest.mark.parametrize(
    ("started_at", "stopped_at", "doubts"),
    [
        (NOW, NOW, []),
        (None, NOW, []),
        (NOW, NOW - timedelta(seconds=1), ["stop_before_start"]),
        (NOW, NOW + timedelta(minutes=5), []),
        (NOW, NOW + timedelta(minutes=6), ["stop_in_the_future"]),
        (NOW + timedelta(hours=1), NOW + timedelta(minutes=6), ["stop_before_start", "stop_in_the_future"]),
    ],
)
def test_implausible_times_of_a_stop_are_named(
    started_at: datetime | None, stopped_at: datetime, doubts: list[str]
) -> None:
    assert doubts_of_stop(started_at, stopped_at, NOW) == doubts


@pytest.mark.parametrize(
    ("meter_start", "sample", "following", "estimate"),
    [
        (100, 150, 200, 150),
        (100, None, 200, 200),
        (100, 50, 200, 200),
        (100, 50, 60, 100),
        (100, None, None, 100),
        (None, 150, None, 150),
        (None, None, None, None),
        (0, 0, 7, 0),
    ],
)
def test_a_lost_stop_is_estimated_from_its_samples_then_from_the_next_start(
    meter_start: int | None, sample: int | None, following: int | None, estimate: int | None
) -> None:
    assert estimate_meter_stop(meter_start, sample, following) == estimate


@given(meter_start=REGISTER, sample=REGISTER, following=REGISTER)
def test_an_estimate_never_takes_energy_away(
    meter_start: int | None, sample: int | None, following: int | None
) -> None:
    estimate = estimate_meter_stop(meter_start, sample, following)
    assert meter_start is None or (estimate is not None and estimate >= meter_start)


@pytest.mark.parametrize(
    ("lasted_s", "meter_start", "meter_stop", "believed", "retry"),
    [
        (60, 1000, 1500, True, True),  # a backlog that is told again
        (60, 1000, 1500, False, False),  # no clock: the twin has ended, so this is another
        (0, 1000, 1500, True, True),  # the clock stood still, and the register has moved on since
        (0, 1000, 1000, True, False),  # it stood still, and so did the register
        (0, 0, 1500, True, False),  # it stood still, and the register begins at zero each time
        (0, 1000, None, True, False),
    ],
)
def test_a_start_that_says_the_same_after_its_twin_has_ended_is_a_retry_or_another(
    lasted_s: int, meter_start: int, meter_stop: int | None, *, believed: bool, retry: bool
) -> None:
    twin = EndedTwin(NOW, NOW + timedelta(seconds=lasted_s), meter_start, meter_stop)
    assert is_retry_of(twin, believed=believed) is retry


def test_a_start_without_a_clock_is_another_after_each_boot() -> None:
    said = ("CP1", 1, "ABC", "1970-01-01T00:00:00Z", 0)
    assert len({start_key(*said), start_key(*said, 1), start_key(*said, 2)}) == 3


def test_only_what_is_older_than_an_hour_when_it_arrives_is_history() -> None:
    assert is_history(NOW - timedelta(minutes=61), NOW)
    assert not is_history(NOW - timedelta(minutes=59), NOW)
