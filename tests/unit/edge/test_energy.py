from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.energy import Energy, Point, contradicts, energy, from_samples, point

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
REGISTER = st.none() | st.integers(0, 10**9)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def points(*registers: int | None) -> list[Point]:
    return [Point(at(10 * number), register) for number, register in enumerate(registers, start=1)]


def test_more_than_any_connector_delivers_is_no_energy() -> None:
    assert energy(0, 480_000, timedelta(hours=1)) == Energy(480_000)
    assert energy(0, 600_000, timedelta(hours=1)) == Energy(None, "implausible_energy")
    assert energy(0, 600_000, None) == Energy(600_000)
    assert energy(0, 500, timedelta(0)) == Energy(500)


@given(
    begin=REGISTER,
    end=REGISTER,
    samples=st.lists(st.tuples(st.integers(0, 600), REGISTER, st.none() | st.floats(0, 10**6)), max_size=12),
)
def test_whatever_the_samples_say_energy_is_never_negative_nor_more_than_the_registers_span(
    begin: int | None, end: int | None, samples: list[tuple[int, int | None, float | None]]
) -> None:
    read = [Point(at(minute), register, power) for minute, register, power in samples]
    account = from_samples((NOON, begin), (at(600), end), read)
    assert account.energy_wh is None or account.energy_wh >= 0
    if any(one.register_wh is not None for one in read):
        assert account.energy_wh is not None
        assert account.energy_wh <= 480_000 * 10 + 20 * 1000 + 10**9 * (begin is not None and end is not None)


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=10).map(sorted))
def test_a_register_that_only_rises_is_worth_its_span(registers: list[int]) -> None:
    account = from_samples((None, None), (None, None), points(*registers))
    assert account.energy_wh == registers[-1] - registers[0]
    assert account.meter_stop_wh == registers[-1]


def test_samples_that_no_connector_reaches_are_of_another_register_where_both_readings_agree() -> None:
    account = from_samples((NOON, 1_010), (at(20), 1_030), [Point(at(1), 12_500)])
    assert (account.energy_wh, account.meter_stop_wh, account.flags) == (20, 1_030, ["samples_of_another_register"])
    both_at_nothing = from_samples((NOON, 0), (at(60), 0), [Point(at(1), 500_000), Point(at(50), 507_000)])
    assert both_at_nothing.energy_wh == 7_000


def test_no_samples_add_up_to_nothing() -> None:
    account = from_samples((NOON, 5), (NOON, None), [])
    assert (account.energy_wh, account.meter_stop_wh, account.flags) == (None, None, [])


def test_power_at_one_instant_has_no_length() -> None:
    assert from_samples((NOON, None), (NOON, None), [Point(NOON, None, 5000.0)]).energy_wh is None


@pytest.mark.parametrize(
    ("begin", "end", "last", "whether"),
    [(0, 1000, 1500, False), (0, 1000, 2001, True), (0, 0, 1, False), (0, 0, 2, True), (0, None, 9999, False)],
)
def test_a_last_sample_far_above_the_end_contradicts_it(
    begin: int,
    end: int | None,
    last: int,
    whether: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert contradicts(begin, end, Point(NOON, last)) is whether


@pytest.mark.parametrize(
    ("samples", "register", "power"),
    [
        ([{"measurand": "Energy.Active.Import.Register", "value": "5", "unit": "Wh"}], 5, None),
        ([{"value": "1", "phase": one} for one in ("L1", "L2", "L3")], 3, None),
        ([{"value": "1", "phase": one} for one in ("L1", "L2")], None, None),
        ([{"value": "7", "phase": "L1"}], 7, None),
        ([{"measurand": "Power.Active.Import", "value": "7", "unit": "kW"}], None, 7000.0),
        ([{"measurand": "Power.Active.Import", "value": "7", "phase": one} for one in ("L1", "L2")], None, 14.0),
        ([{"measurand": "Power.Active.Import", "value": "x"}], None, None),
        ([{"measurand": "Power.Active.Import", "value": "7", "unit": "VA"}], None, None),
    ],
)
def test_register_and_power_are_found_among_the_samples(
    samples: list[dict[str, Any]], register: int | None, power: float | None
) -> None:
    assert point(NOON, samples) == Point(NOON, register, power)


def test_the_context_is_that_of_the_register() -> None:
    voltage = {"measurand": "Voltage", "value": "230", "context": "Trigger"}
    end = {"measurand": "Energy.Active.Import.Register", "value": "5", "context": "Transaction.End"}
    assert point(NOON, [voltage, end]).context == "Transaction.End"


def test_a_register_that_is_rounded_down_at_the_end_gives_nothing_and_no_doubt() -> None:
    assert energy(1000, 999, tolerance_wh=1) == Energy(0)
    assert energy(1000, 998, tolerance_wh=1) == Energy(None, "meter_went_back")
    assert energy(1000, 999) == Energy(None, "meter_went_back")
