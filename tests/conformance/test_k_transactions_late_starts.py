"""K50: what was metered before its start arrived counts once: all transactions sum up to what the meter counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contract.events import TransactionStarted, TransactionStopped
from edge.store import meter_values
from edge.store.transactions import State
from tests.integration.edge.played_site import NOON, PlayedSite

OWN = 4711
"""The number that the charge point uses, since its start got no answer."""


def metered(site: PlayedSite, *registers: int, **fields: Any) -> None:
    for register in registers:
        site.meter(str(register), **({"transactionId": OWN} | fields))
        site.later(minutes=10)


def total_wh(site: PlayedSite) -> int:
    return sum(one.energy_wh or 0 for one in site.transactions())


def told_wh(site: PlayedSite) -> int:
    """The sum as the cloud has it: the last end that it was told of each transaction."""
    ends = {event.transaction: event.energy_wh or 0 for event in site.events(TransactionStopped)}
    return sum(ends.values())


@pytest.mark.parametrize("names", ["given", "own"])
@pytest.mark.parametrize("restarted", [False, True])
def test_k50_a_late_start_fills_in_what_was_observed(played: PlayedSite, names: str, *, restarted: bool) -> None:
    played.status("Charging")
    began = played.time
    played.later(minutes=5)
    metered(played, 1200, 1400)
    if restarted:
        played.restart()
    number = played.start(timestamp=began, meterStart=1000)
    assert played.start(timestamp=began, meterStart=1000) == number  # retried: its answer was lost once more
    metered(played, 1600, transactionId=number if names == "given" else OWN)
    played.stop(number if names == "given" else OWN, meterStop=2000)
    (stored,) = played.transactions()
    assert (stored.transaction_id, stored.state, stored.energy_wh) == (number, State.CLOSED, 1000)
    assert (stored.id_tag, stored.meter_start_wh, stored.started_at) == ("TAG", 1000, NOON)
    assert stored.flags == ["metered_before_start"]
    assert len(meter_values.of_transaction(played.connection, stored)) == 3
    observed, started = played.events(TransactionStarted)
    assert observed.transaction == started.transaction == stored.uuid
    assert (started.id_tag, started.flags) == ("TAG", ["metered_before_start"])
    assert told_wh(played) == 1000


def test_k50_values_that_name_none_before_a_late_start_are_its_own(played: PlayedSite) -> None:
    played.status("Charging")
    began = played.time
    played.later(minutes=5)
    metered(played, 1200, 1400, transactionId=...)
    number = played.start(timestamp=began, meterStart=1000)
    played.stop(number, meterStop=2000)
    (stored,) = played.transactions()
    assert (stored.energy_wh, stored.flags) == (1000, [])
    assert len(meter_values.of_transaction(played.connection, stored)) == 2


def test_k50_two_connectors_under_one_number_are_two_transactions(played: PlayedSite) -> None:
    for connector in (1, 2):
        played.status("Charging", connectorId=connector)
    began = played.time
    played.later(minutes=5)
    for register in (1200, 1400):
        played.meter(str(register), transactionId=OWN)
        played.meter(str(register * 10), transactionId=OWN, connectorId=2)
        played.later(minutes=10)
    numbers = [
        played.start(timestamp=began, meterStart=1000),
        played.start(timestamp=began, meterStart=10_000, connectorId=2, idTag="OTHER"),
    ]
    for number, end in zip(numbers, (2000, 20_000), strict=True):
        played.stop(number, meterStop=end)
    assert [(one.connector_id, one.energy_wh) for one in played.transactions()] == [(1, 1000), (2, 10_000)]
    assert told_wh(played) == 11_000


def test_k50_a_start_after_its_own_stop_counts_from_the_start(played: PlayedSite) -> None:
    played.status("Charging")
    began = played.time
    played.later(minutes=5)
    metered(played, 1200, 1400)
    played.stop(OWN, meterStop=2000)
    assert total_wh(played) == 800
    number = played.start(timestamp=began, meterStart=1000)
    stored = played.transaction(number)
    assert (stored.state, stored.energy_wh, len(played.transactions())) == (State.CLOSED, 1000, 1)
    assert told_wh(played) == 1000


def test_k50_a_start_after_an_estimated_end_is_estimated_anew_and_its_stop_wins(played: PlayedSite) -> None:
    played.status("Charging")
    began = played.time
    played.later(minutes=5)
    metered(played, 1200, 1400)
    played.status("Available")
    for _ in range(2):
        played.later(hours=2)
        played.sweep()
    (closed,) = played.transactions()
    assert (closed.state, closed.energy_wh) == (State.PROVISIONALLY_CLOSED, 200)
    number = played.start(timestamp=began, meterStart=1000)
    assert (played.transaction(number).energy_wh, told_wh(played)) == (400, 400)
    played.stop(number, meterStop=2000)
    assert (total_wh(played), told_wh(played), len(played.transactions())) == (1000, 1000, 1)


def test_k50_a_start_after_what_was_observed_is_another_transaction(played: PlayedSite) -> None:
    played.status("Charging")
    metered(played, 1200, 1400)
    number = played.start(meterStart=1500)
    played.later(minutes=30)
    played.stop(number, meterStop=2000)
    assert [one.energy_wh for one in played.transactions()] == [200, 500]
    assert told_wh(played) == 700


@pytest.mark.parametrize("stop_is_lost", [False, True])
def test_k50_a_backlog_told_while_its_last_transaction_is_metered_counts_each_once(
    played: PlayedSite, *, stop_is_lost: bool
) -> None:
    first, first_end = played.time, played.later(hours=1)
    second = played.later(minutes=30)
    played.later(minutes=10)
    played.status("Charging")
    metered(played, 2100, 2300)
    number = played.start(timestamp=first, meterStart=1000)
    if not stop_is_lost:
        played.stop(number, timestamp=first_end, meterStop=2000)
    later = played.start(timestamp=second, meterStart=2000, idTag="OTHER")
    assert later != number
    played.stop(later, meterStop=3000)
    one, other = (played.transaction(which) for which in (number, later))
    assert (one.energy_wh, other.energy_wh, len(played.transactions())) == (1000, 1000, 2)
    assert [meter_values.of_transaction(played.connection, each) == [] for each in (one, other)] == [True, False]
    assert told_wh(played) == 2000


def test_k50_without_a_clock_the_register_tells_whose_start_it_is(played: PlayedSite) -> None:
    played.status("Charging")
    metered(played, 1200, 1400)
    number = played.start(timestamp="1970-01-01T00:00:00Z", meterStart=1000)
    assert [one.transaction_id for one in played.transactions()] == [number]
    played.stop(number, meterStop=2000, timestamp="1970-01-01T00:00:00Z")
    assert (total_wh(played), told_wh(played)) == (1000, 1000)


def test_k50_a_clock_that_is_off_changes_nothing_about_whose_start_it_is(played: PlayedSite) -> None:
    def theirs() -> str:
        return (played.clock.at - timedelta(hours=2)).isoformat().replace("+00:00", "Z")

    for _ in range(4):
        played.status("Charging", timestamp=theirs())
        played.later(minutes=3)
    began = theirs()
    played.later(minutes=5)
    for register in ("1200", "1400"):
        sampled = {"timestamp": theirs(), "sampledValue": [{"value": register}]}
        played.meter(register, transactionId=OWN, meterValue=[sampled])
        played.later(minutes=10)
    number = played.start(timestamp=began, meterStart=1000)
    stored = played.transaction(number)
    assert {"skewed", "metered_before_start"} <= set(stored.flags)
    played.stop(number, meterStop=2000, timestamp=theirs())
    assert (total_wh(played), len(played.transactions())) == (1000, 1)


def test_k50_what_was_observed_within_another_transaction_is_counted_in_that_one(played: PlayedSite) -> None:
    """The answer to the start was lost: the charge point meters under a number of its own until the retry."""
    began = played.time
    number = played.start(meterStart=1000)
    played.later(minutes=5)
    played.status("Charging")
    metered(played, 1100)
    assert played.transaction(number).suspect_why == "another_transaction_is_metered"
    played.later(hours=2)
    played.sweep()
    assert played.transaction(number).state is State.PROVISIONALLY_CLOSED
    metered(played, 1200, 1400)
    assert len(played.transactions()) == 2
    assert played.start(timestamp=began, meterStart=1000) == number
    played.stop(number, meterStop=2000)
    assert (total_wh(played), told_wh(played)) == (1000, 1000)
    assert played.transactions()[1].flags == ["observed", "part_of_another"]
    played.stop(OWN, meterStop=2000)  # told again under its own number
    assert (total_wh(played), told_wh(played)) == (1000, 1000)
