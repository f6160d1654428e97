"""K47, K51, K52, K55: a transaction whose stop is missing is suspected, estimated and flagged, never guessed away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contract.events import TransactionStopped
from edge.domain.orphans import Patience
from edge.operations.orphans import rejected_stop
from edge.store.transactions import State
from tests.integration.edge.played_site import NOON, PlayedSite


def test_k51_boot_finishing_and_a_stop_for_power_loss_are_one_correct_transaction(played: PlayedSite) -> None:
    number = played.start()
    played.status("Charging")
    played.later(minutes=30)
    at = played.time
    played.boot()
    played.sweep()
    assert played.transaction(number).suspect_why == "charge_point_booted"
    played.status("Finishing", timestamp=played.later(minutes=2))
    played.sweep()
    played.stop(number, reason="PowerLoss", timestamp=at, meterStop=1800)
    (stored,) = played.transactions()
    assert (stored.state, stored.reason, stored.energy_wh, stored.flags) == (State.CLOSED, "PowerLoss", 800, [])
    assert len(played.events(TransactionStopped)) == 1


def test_k51_a_charge_point_that_resumes_after_its_boot_goes_on(played: PlayedSite) -> None:
    number = played.start()
    played.later(minutes=30)
    played.boot()
    played.sweep()
    assert played.transaction(number).state is State.SUSPECT
    played.status("Charging", timestamp=played.later(minutes=1))
    played.sweep()
    played.later(hours=9)
    played.ask("Heartbeat", {})
    played.sweep()
    assert played.transaction(number).state is State.OPEN


def test_k52_a_next_start_closes_at_once_with_the_last_sample(played: PlayedSite) -> None:
    number = played.start()
    metered_at = played.clock.at + timedelta(hours=1)
    played.later(hours=1)
    played.meter("1700", transactionId=number)
    played.later(hours=4)
    played.start(idTag="OTHER", meterStart=2000)
    stored = played.transaction(number)
    assert (stored.state, stored.energy_wh, stored.stopped_at) == (State.PROVISIONALLY_CLOSED, 700, metered_at)
    assert (stored.flags, stored.closed_by) == (["superseded"], "superseded")
    (event,) = played.events(TransactionStopped)
    assert (event.estimated, event.energy_wh) == (True, 700)


def test_k52_without_samples_the_next_start_tells_the_register(played: PlayedSite) -> None:
    number = played.start()
    played.later(hours=4)
    played.start(idTag="OTHER", meterStart=2000)
    assert (played.transaction(number).energy_wh, played.transaction(number).meter_stop_wh) == (1000, 2000)


def test_k52_without_anything_it_delivered_nothing(played: PlayedSite) -> None:
    number = played.start(meterStart=5000)
    played.start(idTag="OTHER", meterStart=2000)
    assert (played.transaction(number).energy_wh, played.transaction(number).stopped_at) == (0, NOON)


def test_k52_a_free_connector_makes_suspect_and_an_hour_later_closes_provisionally(played: PlayedSite) -> None:
    number = played.start()
    played.status("Charging")
    played.later(hours=2)
    freed_at = played.clock.at
    played.status("Available")
    played.sweep()
    stored = played.transaction(number)
    assert (stored.state, stored.suspect_why) == (State.SUSPECT, "connector_has_no_transaction")
    assert played.events(TransactionStopped) == []
    played.later(minutes=59)
    played.sweep()
    assert played.transaction(number).state is State.SUSPECT
    played.later(minutes=2)
    played.sweep()
    played.sweep()
    stored = played.transaction(number)
    assert (stored.state, stored.stopped_at, stored.flags) == (State.PROVISIONALLY_CLOSED, freed_at, ["lost_stop"])
    assert len(played.events(TransactionStopped)) == 1


def test_k52_a_model_that_says_available_while_it_charges_is_kept_open_by_its_meter_values(played: PlayedSite) -> None:
    number = played.start()
    played.status("Available")
    for register in range(1100, 2400, 100):
        played.sweep()
        played.later(minutes=20)
        played.meter(str(register), transactionId=number)
    assert played.transaction(number).open


def test_k52_silence_alone_takes_three_days(played: PlayedSite) -> None:
    number = played.start()
    played.status("Charging")
    for hours, state in ((23, State.OPEN), (2, State.SUSPECT), (47, State.SUSPECT), (2, State.PROVISIONALLY_CLOSED)):
        played.later(hours=hours)
        played.sweep()
        assert played.transaction(number).state is state


def test_k52_a_charge_point_that_meters_is_not_silent(played: PlayedSite) -> None:
    number = played.start()
    played.later(hours=30)
    played.meter("1", connectorId=2)
    played.sweep(Patience(silent=timedelta(hours=24)))
    assert played.transaction(number).state is State.OPEN


@pytest.mark.parametrize(
    ("status", "state"), [("Available", State.PROVISIONALLY_CLOSED), ("Charging", State.SUSPECT), (None, None)]
)
def test_k52_a_rejected_remote_stop_proves_that_the_charge_point_forgot_it(
    played: PlayedSite, status: str | None, state: State | None
) -> None:
    number = played.start()
    if status is not None:
        played.status(status)
    played.later(minutes=5)
    played.write(lambda tx: rejected_stop("CP1", number, tx, played.clock.now()))
    stored = played.transaction(number)
    assert stored.state is (state or State.PROVISIONALLY_CLOSED)
    if stored.state is not State.SUSPECT:
        assert stored.flags == ["unknown_to_charge_point"]


def test_k52_a_rejected_remote_stop_of_anything_else_changes_nothing(played: PlayedSite) -> None:
    number = played.start()
    played.write(lambda tx: rejected_stop("CP2", number, tx, played.clock.now()))
    played.write(lambda tx: rejected_stop("CP1", 4711, tx, played.clock.now()))
    assert played.transaction(number).state is State.OPEN


def test_k47_the_stop_of_the_charge_point_wins_over_the_sweeps_estimate(played: PlayedSite) -> None:
    number = played.start()
    played.status("Available")
    played.sweep()
    at = played.later(hours=2)
    played.sweep()
    assert played.transaction(number).estimated
    played.later(days=2)
    played.stop(number, timestamp=at, meterStop=4000)
    stored = played.transaction(number)
    assert (stored.state, stored.energy_wh, stored.closed_by) == (State.CLOSED, 3000, None)
    assert stored.flags == ["lost_stop", "estimate_replaced"]


def test_k55_a_status_that_overtakes_a_queued_session_corrupts_nothing(played: PlayedSite) -> None:
    played.status("Available", timestamp="2026-03-01T11:59:00Z")
    number = played.start(timestamp="2026-03-01T09:00:00Z")
    played.sweep()
    played.stop(number, timestamp="2026-03-01T10:00:00Z")
    stored = played.transaction(number)
    assert (stored.state, stored.energy_wh, stored.flags) == (State.CLOSED, 500, [])
    row = played.connection.execute("SELECT status, status_at FROM connector").fetchone()
    assert tuple(row) == ("Available", "2026-03-01T11:59:00.000Z")


def test_k55_a_status_that_overtakes_a_queued_stop_only_makes_suspect(played: PlayedSite) -> None:
    first = played.start()
    played.status("Charging")
    played.later(hours=3)  # offline: the first ended, a second one began
    played.status("Charging", timestamp=played.time)
    played.sweep()
    played.stop(first, timestamp="2026-03-01T13:00:00Z")
    second = played.start(timestamp="2026-03-01T14:00:00Z", idTag="OTHER", meterStart=1500)
    assert (played.transaction(first).flags, played.transaction(second).state) == ([], State.OPEN)


def test_k55_an_available_that_overtakes_the_stop_is_answered_by_the_stop(played: PlayedSite) -> None:
    number = played.start()
    played.later(hours=1)
    played.status("Available")
    played.sweep()
    played.later(minutes=10)
    played.stop(number, timestamp="2026-03-01T13:00:00Z")
    stored = played.transaction(number)
    assert (stored.state, stored.flags, stored.suspect_since) == (State.CLOSED, [], None)
