"""K50: meter values find their transaction by number, else by connector and time; they revive none that was ended."""

from __future__ import annotations

from typing import Any

import pytest

from contract.events import TransactionReopened, TransactionStarted, TransactionStopped
from edge.operations.orphans import close_by_hand
from edge.store import meter_values
from edge.store.transactions import State, Transaction
from tests.integration.edge.played_site import CP2, PlayedSite


def values_of(played: PlayedSite, transaction: Transaction | int) -> list[str]:
    if isinstance(transaction, int):
        transaction = played.transaction(transaction)
    stored = meter_values.of_transaction(played.connection, transaction)
    return [sample["value"] for one in stored for sample in one.samples]


def test_k50_values_before_the_start_are_nobodys(played: PlayedSite) -> None:
    played.meter("900")
    played.later(minutes=1)
    number = played.start()
    assert values_of(played, number) == []


def test_k50_values_without_a_number_are_those_of_the_connector_while_it_ran(played: PlayedSite) -> None:
    number = played.start()
    for minute, connector_id in ((10, 1), (20, 2), (30, 1)):
        played.later(minutes=10)
        played.meter(str(1000 + minute), connectorId=connector_id)
    played.later(minutes=5)
    played.stop(number, timestamp=played.time)
    played.later(minutes=5)
    played.meter("9999")
    assert values_of(played, number) == ["1010", "1030"]


@pytest.mark.parametrize("named", [0, -1, None])
def test_k50_a_number_that_is_none_counts_as_absent(played: PlayedSite, named: object) -> None:
    number = played.start()
    played.later(minutes=10)
    played.meter("1100", transactionId=named)
    assert values_of(played, number) == ["1100"]


@pytest.mark.parametrize("fields", [{}, {"transactionId": 1}])
def test_k50_the_main_meter_belongs_to_no_transaction(played: PlayedSite, fields: dict[str, Any]) -> None:
    number = played.start()
    played.later(minutes=10)
    played.meter("555", connectorId=0, **fields)
    assert values_of(played, number) == []
    assert played.count("meter_value") == 1


def test_k50_an_unknown_number_on_a_connector_that_charges_is_observed_from_its_first_sample(
    played: PlayedSite,
) -> None:
    played.status("Charging")
    at = played.clock.at
    for register in ("5000", "5600", "6000"):
        assert played.meter(register, transactionId=4711) == {}
        played.later(minutes=10)
    (observed,) = played.transactions()
    assert (observed.started_at, observed.station_transaction_id, observed.flags) == (at, 4711, ["observed"])
    assert (observed.state, observed.baseline_wh) == (State.OPEN, 5000)
    assert len(played.events(TransactionStarted)) == 1
    played.restart()
    played.stop(4711, meterStop=6200)
    ended = played.transaction(observed.transaction_id)
    assert (ended.state, ended.energy_wh) == (State.CLOSED, 1200)
    assert set(ended.flags) == {"observed", "baseline_from_sample"}
    assert len(played.transactions()) == 1


def test_k50_an_unknown_number_on_a_free_connector_is_kept_and_begins_nothing(played: PlayedSite) -> None:
    played.status("Available")
    played.meter("5000", transactionId=4711)
    assert (played.transactions(), played.count("meter_value")) == ([], 1)


def test_k50_an_unknown_number_beside_a_running_transaction_makes_that_one_suspect(played: PlayedSite) -> None:
    number = played.start()
    played.status("Charging")
    played.later(minutes=10)
    played.meter("5000", transactionId=4711)
    stored = played.transaction(number)
    assert (stored.state, stored.suspect_why) == (State.SUSPECT, "another_transaction_is_metered")
    assert values_of(played, number) == []
    played.later(minutes=10)
    played.meter("1500", transactionId=number)
    assert played.transaction(number).state is State.OPEN


def test_k50_a_number_of_another_charge_point_is_not_touched(played: PlayedSite) -> None:
    theirs = played.start(charge_point=CP2)
    played.meter("5000", transactionId=theirs)
    assert values_of(played, theirs) == []


def test_k50_values_after_the_stop_are_added_and_revive_nothing(played: PlayedSite) -> None:
    number = played.start()
    played.later(hours=1)
    played.stop(number)
    played.status("Charging", timestamp=played.later(minutes=1))
    played.meter("1500", transactionId=number)
    assert played.transaction(number).state is State.CLOSED
    assert values_of(played, number) == ["1500"]
    assert played.events(TransactionReopened) == []


def ended_by_us(played: PlayedSite) -> int:
    number = played.start()
    played.status("Charging")
    played.later(hours=1)
    played.write(lambda tx: close_by_hand(played.transaction(number), tx, played.clock.now(), operator="Ani"))
    assert played.transaction(number).state is State.PROVISIONALLY_CLOSED
    return number


def test_k50_an_end_that_was_ours_is_taken_back_when_the_charge_point_goes_on(played: PlayedSite) -> None:
    number = ended_by_us(played)
    played.later(minutes=1)
    played.meter("1800", transactionId=number)
    stored = played.transaction(number)
    assert (stored.state, stored.energy_wh, "reopened" in stored.flags) == (State.OPEN, None, True)
    (event,) = played.events(TransactionReopened)
    assert event.transaction == stored.uuid
    played.later(hours=1)
    played.stop(number, meterStop=2500)
    assert (played.transaction(number).energy_wh, len(played.events(TransactionStopped))) == (1500, 2)


def test_k50_an_end_that_was_ours_stays_when_the_sample_is_older(played: PlayedSite) -> None:
    before = played.time
    number = ended_by_us(played)
    played.meter("1800", transactionId=number, meterValue=[{"timestamp": before, "sampledValue": [{"value": "1"}]}])
    assert played.transaction(number).state is State.PROVISIONALLY_CLOSED


def test_k50_an_end_that_was_ours_stays_when_the_connector_does_not_charge_or_has_another(played: PlayedSite) -> None:
    number = ended_by_us(played)
    played.status("Finishing", timestamp=played.later(minutes=1))
    played.meter("1800", transactionId=number)
    played.status("Charging", timestamp=played.later(minutes=1))
    played.start(idTag="OTHER", meterStart=1800)
    played.later(minutes=1)
    played.meter("1900", transactionId=number)
    assert played.transaction(number).state is State.PROVISIONALLY_CLOSED
