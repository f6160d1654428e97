"""K53: energy is never negative, never a register's whole life, and says with a flag how it was found."""

from __future__ import annotations

from typing import Any

import pytest

from contract.events import TransactionStopped
from tests.integration.edge.played_site import PlayedSite


def metered(played: PlayedSite, number: int, *registers: object, unit: str | None = None, **sample: object) -> None:
    """One register reading each ten minutes."""
    for register in registers:
        at = played.later(minutes=10)
        one: dict[str, Any] = {"value": register, **sample} | ({"unit": unit} if unit else {})
        played.meter(0, transactionId=number, meterValue=[{"timestamp": at, "sampledValue": [one]}])


def stopped(played: PlayedSite, number: int, meter_stop: object, **fields: Any) -> tuple[int | None, set[str]]:
    played.later(minutes=10)
    played.stop(number, meterStop=meter_stop, **fields)
    stored = played.transaction(number)
    event = played.events(TransactionStopped)[-1]
    assert (event.energy_wh, event.flags) == (stored.energy_wh, stored.flags)
    assert stored.energy_wh is None or stored.energy_wh >= 0
    return stored.energy_wh, set(stored.flags)


def test_k53_without_a_baseline_energy_is_null_never_the_lifetime_register(played: PlayedSite) -> None:
    number = played.start(meterStart=...)
    assert stopped(played, number, 8_000_000) == (None, {"no_baseline"})


def test_k53_the_first_valid_sample_is_the_baseline_and_is_kept(played: PlayedSite) -> None:
    number = played.start(meterStart=...)
    metered(played, number, "nonsense", "8000000", "8000500")
    played.restart()
    assert played.transaction(number).baseline_wh == 8_000_000
    assert stopped(played, number, 8_001_000) == (1000, {"no_baseline", "baseline_from_sample"})


def test_k53_a_baseline_of_zero_that_cannot_be_is_none(played: PlayedSite) -> None:
    number = played.start(meterStart=0)
    assert stopped(played, number, 8_000_000) == (None, {"implausible_energy"})
    number = played.start(meterStart=0, timestamp=played.later(minutes=1))
    metered(played, number, "8000000", "8000700")
    energy, flags = stopped(played, number, 8_001_000)
    assert (energy, flags) == (1000, {"implausible_energy", "baseline_from_sample", "energy_from_samples"})


def test_k53_a_stop_below_the_start_asks_the_samples(played: PlayedSite) -> None:
    number = played.start(meterStart=1000)
    assert stopped(played, number, 999) == (None, {"meter_went_back"})
    number = played.start(meterStart=1000, timestamp=played.later(minutes=1))
    metered(played, number, "1200", "1700")
    assert stopped(played, number, 0) == (700, {"meter_went_back", "energy_from_samples"})


def test_k53_the_sample_of_the_end_wins_over_a_meter_stop_of_nothing(played: PlayedSite) -> None:
    number = played.start(meterStart=1000)
    end = {"value": "1.65", "unit": "kWh", "context": "Transaction.End"}
    begin = {"value": "1000", "context": "Transaction.Begin"}
    data = [
        {"timestamp": played.time, "sampledValue": [begin]},
        {"timestamp": played.later(minutes=30), "sampledValue": [end]},
    ]
    assert stopped(played, number, 0, transactionData=data) == (
        650,
        {"meter_went_back", "meter_stop_from_transaction_end"},
    )
    stored = played.transaction(number)
    assert stored.meter_stop_wh == 1650
    played.stop(number, meterStop=0, transactionData=data, timestamp=played.time)
    assert "second_stop_differs" not in played.transaction(number).flags


@pytest.mark.parametrize(
    ("registers", "meter_stop", "energy"),
    [
        (["1000000", "1003000", "0", "500"], 900, 3900),  # it begins at zero again
        (["65000", "65500", "100", "600"], 1000, 1500 - 100),  # 16 bit
        (["4294967000", "4294967290", "200"], 400, 490),  # 32 bit
    ],
)
def test_k53_a_register_that_begins_again_is_summed_over_its_parts(
    played: PlayedSite, registers: list[str], meter_stop: int, energy: int
) -> None:
    number = played.start(meterStart=int(registers[0]))
    metered(played, number, *registers)
    found, flags = stopped(played, number, meter_stop)
    assert (found, "register_reset" in flags) == (energy, True)


def test_k53_a_reset_that_is_passed_by_the_end_is_noticed_all_the_same(played: PlayedSite) -> None:
    number = played.start(meterStart=1000)
    metered(played, number, "6000", "0", "800")
    energy, flags = stopped(played, number, 1200)
    assert (energy, {"register_reset", "register_below_start"} <= flags) == (6200, True)


def test_k53_wh_and_kwh_in_one_transaction_are_the_same_energy(played: PlayedSite) -> None:
    number = played.start(meterStart=...)
    metered(played, number, "5.0", unit="kWh")
    metered(played, number, "5600", unit="Wh")
    metered(played, number, "6.2", unit="kWh")
    assert stopped(played, number, ...)[0] == 1200


def test_k53_a_repeated_begin_behind_the_samples_is_not_the_latest(played: PlayedSite) -> None:
    number = played.start(meterStart=1000)
    metered(played, number, "1400", "1900")
    at = played.later(minutes=10)
    both = [{"value": "2000"}, {"value": "1000", "context": "Transaction.Begin"}]
    played.meter(0, transactionId=number, meterValue=[{"timestamp": at, "sampledValue": both}])
    metered(played, number, "1000", context="Transaction.Begin")
    assert stopped(played, number, ...)[0] == 1000


def test_k53_samples_of_another_register_are_not_mixed_with_the_readings(played: PlayedSite) -> None:
    number = played.start(meterStart=5_000_000)  # the register's life; its samples count from the start
    metered(played, number, "0", "4000", "8000")
    assert stopped(played, number, 5_009_000) == (9000, {"register_below_start", "samples_of_another_register"})


def test_k53_a_sample_that_no_connector_delivers_is_set_aside(played: PlayedSite) -> None:
    number = played.start(meterStart=1000)
    metered(played, number, "2000", "99000000", "3000", "0", "4000")
    energy, flags = stopped(played, number, ...)
    assert (energy, "outliers_left_out" in flags) == (3000, True)
    assert played.reasons().count("a register reading that no connector can deliver was left out") == 2


def test_k53_without_a_register_the_power_is_summed(played: PlayedSite) -> None:
    number = played.start(meterStart=...)
    metered(played, number, "6", "6", "6", "6", measurand="Power.Active.Import", unit="kW")
    assert stopped(played, number, ...) == (3000, {"no_baseline", "energy_from_power"})


def test_k53_a_meter_that_rounds_at_the_end_keeps_its_own_word(played: PlayedSite) -> None:
    number = played.start(meterStart=1000)
    metered(played, number, "1400.6", "1701")
    assert stopped(played, number, 1700) == (700, set())


def test_k53_a_register_by_phases_counts_when_all_three_are_there(played: PlayedSite) -> None:
    number = played.start(meterStart=...)
    for total in (3000, 6000):
        at = played.later(minutes=10)
        phases = [{"value": str(total // 3), "phase": phase} for phase in ("L1", "L2", "L3")]
        played.meter(0, transactionId=number, meterValue=[{"timestamp": at, "sampledValue": phases}])
    assert stopped(played, number, ...)[0] == 3000
