"""K45 to K49: every stop is answered and finds its transaction, or becomes one; nothing is lost, nothing is doubled."""

from __future__ import annotations

from typing import Any

import pytest

from contract.events import MeterValuesSampled, TransactionStopped
from edge.operations.orphans import close_by_hand
from edge.store import transaction_changes
from edge.store.transactions import State
from tests.integration.edge.played_site import CP2, PlayedSite


@pytest.mark.parametrize("number", [0, -1, -77, None, ...])
def test_k45_a_stop_without_a_usable_number_ends_the_one_that_runs(played: PlayedSite, number: object) -> None:
    running = played.start()
    played.later(hours=1)
    assert played.stop(number, idTag="TAG") == {"idTagInfo": {"status": "Accepted"}}
    stored = played.transaction(running)
    assert (stored.state, stored.energy_wh, stored.flags) == (State.CLOSED, 500, ["matched_without_number"])
    assert len(played.transactions()) == 1


@pytest.mark.parametrize("number", [0, -1, None, 4711])
def test_k45_a_stop_that_fits_nothing_is_kept_as_a_transaction_of_its_own(played: PlayedSite, number: object) -> None:
    assert played.stop(number, idTag="TAG", meterStop=8_000_000) == {"idTagInfo": {"status": "Accepted"}}
    (orphan,) = played.transactions()
    assert (orphan.started_at, orphan.energy_wh, orphan.meter_stop_wh) == (None, None, 8_000_000)
    assert "start_unknown" in orphan.flags
    (event,) = played.events(TransactionStopped)
    assert (event.transaction, event.energy_wh) == (orphan.uuid, None)


def test_k45_a_number_of_another_charge_point_leaves_that_one_alone(played: PlayedSite) -> None:
    theirs = played.start(charge_point=CP2)
    assert played.stop(theirs) == {}
    assert played.transaction(theirs).open
    orphan = played.transactions()[-1]
    assert (orphan.charge_point, "number_of_another_charge_point" in orphan.flags) == ("CP1", True)


@pytest.mark.parametrize(
    "payload",
    [{}, {"transactionId": "seven"}, {"transactionId": 2**40}, {"transactionId": [], "meterStop": "x", "timestamp": 7}],
)
def test_k45_whatever_a_stop_looks_like_it_is_answered(played: PlayedSite, payload: dict[str, Any]) -> None:
    assert played.ask("StopTransaction", payload) == {}
    assert len(played.transactions()) == 1
    assert len(played.reasons()) >= 1


def test_k46_a_repeated_stop_changes_nothing(played: PlayedSite) -> None:
    number = played.start()
    at = played.later(hours=1)
    answers = [played.stop(number, timestamp=at, idTag="TAG") for _ in range(3)]
    assert answers == answers[:1] * 3
    assert (len(played.events(TransactionStopped)), played.transaction(number).flags) == (1, [])


def test_k46_a_second_stop_that_differs_is_kept_and_flagged_and_the_first_holds(played: PlayedSite) -> None:
    number = played.start()
    played.stop(number, meterStop=1500)
    played.stop(number, meterStop=1900)
    stored = played.transaction(number)
    assert (stored.meter_stop_wh, stored.flags) == (1500, ["second_stop_differs"])
    assert played.reasons() == ["a second stop that differs"]


def test_k46_transaction_data_that_came_as_meter_values_counts_once(played: PlayedSite) -> None:
    number = played.start()
    at = played.later(minutes=10)
    energy, power = {"value": "1100"}, {"value": "7000", "measurand": "Power.Active.Import", "unit": "W"}
    played.meter(0, transactionId=number, meterValue=[{"timestamp": at, "sampledValue": [energy]}])
    played.stop(number, transactionData=[{"timestamp": at, "sampledValue": [energy, power]}])
    assert played.count("meter_value") == 2
    first, second = played.events(MeterValuesSampled)
    assert [sample.measurand for sample in first.values[0].samples] == ["Energy.Active.Import.Register"]
    assert [sample.measurand for sample in second.values[0].samples] == ["Power.Active.Import"]


def test_k47_the_stop_of_the_charge_point_wins_over_an_end_by_hand(played: PlayedSite) -> None:
    number = played.start()
    at = played.later(hours=1)
    played.write(
        lambda tx: close_by_hand(played.transaction(number), tx, played.clock.now(), operator="the key of Ani")
    )
    closed = played.transaction(number)
    assert (closed.state, closed.energy_wh, closed.closed_by) == (
        State.PROVISIONALLY_CLOSED,
        0,
        "closed_by_operator:the key of Ani",
    )
    played.later(hours=1)
    played.stop(number, timestamp=at, meterStop=3000, reason="EVDisconnected")
    stored = played.transaction(number)
    assert (stored.state, stored.energy_wh, stored.reason, stored.closed_by) == (
        State.CLOSED,
        2000,
        "EVDisconnected",
        None,
    )
    assert [(event.estimated, event.energy_wh) for event in played.events(TransactionStopped)] == [
        (True, 0),
        (False, 2000),
    ]
    traces = transaction_changes.changes(played.connection, number)
    assert [(trace.what, trace.changed_by) for trace in traces] == [
        ("closed", "the key of Ani"),
        ("estimate_replaced", "CP1"),
    ]
    assert '"energy_wh":0' in traces[1].before


def test_k48_without_id_tag_there_is_no_id_tag_info_and_the_reason_is_local(played: PlayedSite) -> None:
    number = played.start()
    assert played.stop(number) == {}
    assert played.transaction(number).reason == "Local"


def test_k48_an_unknown_reason_is_kept_as_it_came(played: PlayedSite) -> None:
    number = played.start()
    played.stop(number, reason="CableStolen")
    stored = played.transaction(number)
    assert (stored.reason, stored.flags) == ("CableStolen", ["unknown_reason"])


@pytest.mark.parametrize(
    ("stopped_by", "flags"),
    [("FATHER", []), ("mother", []), ("NEIGHBOUR", ["stopped_by_other_id_tag"]), ("TAG", ["stopped_by_other_id_tag"])],
)
def test_k49_an_id_tag_of_the_same_parent_may_stop(played: PlayedSite, stopped_by: str, flags: list[str]) -> None:
    number = played.start(idTag="MOTHER")
    assert played.stop(number, idTag=stopped_by)["idTagInfo"]["status"] == "Accepted"
    stored = played.transaction(number)
    assert (stored.state, stored.stop_id_tag, stored.flags) == (State.CLOSED, stopped_by, flags)
