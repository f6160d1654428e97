from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contract.events import MeterValuesSampled, TransactionStopped
from edge.domain.timestamps import iso
from tests.integration.edge.played_site import CP2, NOON, PlayedSite


def test_a_stop_closes_its_transaction_with_its_energy(site: PlayedSite) -> None:
    number = site.start()
    at = site.later(hours=1)
    assert site.stop(number, idTag="TAG", reason="EVDisconnected", timestamp=at) == {
        "idTagInfo": {"status": "Accepted"}
    }
    stored = site.transaction(number)
    assert (stored.open, stored.meter_stop_wh, stored.energy_wh, stored.reason) == (False, 1500, 500, "EVDisconnected")
    assert (stored.stopped_at, stored.stop_id_tag, stored.flags) == (NOON + timedelta(hours=1), "TAG", [])
    (event,) = site.events(TransactionStopped)
    assert (event.transaction, event.energy_wh, event.id_tag) == (stored.uuid, 500, "TAG")


def test_a_stop_after_a_restart_closes_its_transaction(site: PlayedSite) -> None:
    number = site.start()
    site.restart()
    assert site.transaction(number).open
    site.stop(number)
    assert not site.transaction(number).open


def test_a_stop_without_id_tag_is_answered_without_id_tag_info_and_is_local(site: PlayedSite) -> None:
    number = site.start()
    assert site.stop(number) == {}
    assert (site.transaction(number).reason, site.transaction(number).stop_id_tag) == ("Local", None)


@pytest.mark.parametrize(("id_tag", "status"), [("BLOCKED", "Blocked"), ("NOBODY", "Invalid"), ("tag", "Accepted")])
def test_a_stop_cannot_be_prevented_by_its_id_tag(site: PlayedSite, id_tag: str, status: str) -> None:
    number = site.start()
    assert site.stop(number, idTag=id_tag) == {"idTagInfo": {"status": status}}
    assert not site.transaction(number).open


@pytest.mark.parametrize(
    ("started_by", "stopped_by", "flags"),
    [
        ("MOTHER", "mother", []),
        ("MOTHER", "FATHER", []),
        ("MOTHER", "NEIGHBOUR", ["stopped_by_other_id_tag"]),
        ("MOTHER", "TAG", ["stopped_by_other_id_tag"]),
        ("TAG", "OTHER", ["stopped_by_other_id_tag"]),
        ("MOTHER", "NOBODY", ["stopped_by_other_id_tag"]),
    ],
)
def test_only_an_id_tag_of_the_same_parent_stops_without_a_doubt(
    site: PlayedSite, started_by: str, stopped_by: str, flags: list[str]
) -> None:
    number = site.start(idTag=started_by)
    site.stop(number, idTag=stopped_by)
    assert (site.transaction(number).open, site.transaction(number).flags) == (False, flags)


def test_a_repeated_stop_changes_nothing(site: PlayedSite) -> None:
    number = site.start()
    at = site.later(hours=1)
    first = site.stop(number, timestamp=at, idTag="TAG")
    before = site.transaction(number)
    site.restart()
    assert site.stop(number, timestamp=at, idTag="TAG") == first
    assert site.transaction(number) == before
    assert len(site.events(TransactionStopped)) == 1
    assert site.reasons() == []


@pytest.mark.parametrize("timestamp", [..., "soon", "1970-01-01T00:00:00Z"])
def test_a_repeated_stop_without_a_believable_time_is_the_same_stop(site: PlayedSite, timestamp: object) -> None:
    number = site.start()
    site.stop(number, timestamp=timestamp)
    site.later(minutes=5)
    site.stop(number, timestamp=timestamp)
    assert "second_stop_differs" not in site.transaction(number).flags


@pytest.mark.parametrize("fields", [{"meterStop": 1501}, {"reason": "Remote"}, {"timestamp": "2026-03-01T12:00:01Z"}])
def test_a_second_stop_that_differs_is_flagged_and_kept_and_the_first_holds(
    site: PlayedSite, fields: dict[str, Any]
) -> None:
    number = site.start()
    site.stop(number)
    site.stop(number, **fields)
    site.stop(number, **fields)
    stored = site.transaction(number)
    assert (stored.meter_stop_wh, stored.flags) == (1500, ["second_stop_differs"])
    assert set(site.reasons()) == {"a second stop that differs"}
    assert len(site.events(TransactionStopped)) == 1


def test_the_charge_points_own_stop_replaces_an_estimate(site: PlayedSite) -> None:
    number = site.start()
    site.later(hours=2)
    site.start(idTag="OTHER", meterStart=1600)
    assert site.transaction(number).estimated
    site.stop(number, timestamp="2026-03-01T13:00:00Z")
    stored = site.transaction(number)
    assert (stored.estimated, stored.energy_wh, stored.stopped_at) == (False, 500, NOON + timedelta(hours=1))
    assert stored.flags == ["superseded", "estimate_replaced"]
    assert [event.estimated for event in site.events(TransactionStopped)] == [True, False]


def test_a_stop_for_an_unknown_number_becomes_a_transaction_of_its_own_once(site: PlayedSite) -> None:
    running = site.start()
    at = site.time
    assert site.stop(4711, timestamp=at, idTag="TAG") == {"idTagInfo": {"status": "Accepted"}}
    site.later(minutes=1)
    site.stop(4711, timestamp=at, idTag="TAG")
    assert site.transaction(running).open
    (orphan,) = [one for one in site.transactions() if one.transaction_id != running]
    assert (orphan.station_transaction_id, orphan.energy_wh, orphan.meter_stop_wh) == (4711, None, 1500)
    assert set(orphan.flags) == {"no_baseline", "start_unknown"}
    assert len(site.events(TransactionStopped)) == 1


def test_a_stop_for_another_charge_points_transaction_leaves_that_alone(site: PlayedSite) -> None:
    number = site.start(charge_point=CP2)
    assert site.stop(number) == {}
    assert site.transaction(number).open
    orphan = site.transactions()[-1]
    assert (orphan.charge_point, orphan.station_transaction_id, orphan.started_at) == ("CP1", number, None)


NO_NUMBER = [0, -1, -7, None, ..., "none", True, 2**64 - 1]


@pytest.mark.parametrize("number", NO_NUMBER)
def test_a_stop_without_a_number_closes_the_one_running_transaction(site: PlayedSite, number: object) -> None:
    running = site.start()
    site.stop(number)
    assert not site.transaction(running).open
    assert len(site.transactions()) == 1


@pytest.mark.parametrize("number", NO_NUMBER)
def test_a_repeated_stop_without_a_number_is_still_one_stop(site: PlayedSite, number: object) -> None:
    running = site.start()
    at = site.later(hours=1)
    site.stop(number, timestamp=at)
    site.later(minutes=5)
    site.restart()
    site.stop(number, timestamp=at)
    assert [one.transaction_id for one in site.transactions()] == [running]
    assert len(site.events(TransactionStopped)) == 1


def test_a_stop_without_a_number_and_a_time_is_repeated_once_only(site: PlayedSite) -> None:
    running = site.start()
    site.stop(-1, timestamp=...)
    site.later(minutes=5)
    site.stop(-1, timestamp=...)
    assert [one.transaction_id for one in site.transactions()] == [running]


def test_a_repeated_stop_without_a_number_does_not_close_the_next_transaction(site: PlayedSite) -> None:
    site.start()
    at = site.later(hours=1)
    site.stop(-1, timestamp=at)
    following = site.start(meterStart=1500, timestamp=at, idTag="OTHER")
    site.stop(-1, timestamp=at)
    assert site.transaction(following).open


def test_without_a_time_the_running_transaction_is_closed_rather_than_a_repeat_guessed(site: PlayedSite) -> None:
    site.start(timestamp=...)
    site.stop(-1, timestamp=...)
    site.later(hours=1)
    following = site.start(timestamp=..., meterStart=1500)
    site.stop(-1, timestamp=...)
    assert not site.transaction(following).open


def test_a_stop_without_a_number_is_placed_by_its_id_tag(site: PlayedSite) -> None:
    first, second = site.start(), site.start(connectorId=2, idTag="OTHER")
    site.stop(-1, idTag="other")
    assert (site.transaction(first).open, site.transaction(second).open) == (True, False)


@pytest.mark.parametrize("fields", [{}, {"meterStop": 1}, {"timestamp": "2026-03-01T11:00:00Z"}, {"idTag": "NOBODY"}])
def test_a_stop_that_fits_no_transaction_or_two_is_an_orphan(site: PlayedSite, fields: dict[str, Any]) -> None:
    site.start()
    site.start(connectorId=2, idTag="OTHER")
    site.stop(-1, **fields)
    assert len([one for one in site.transactions() if one.open]) == 2
    assert len(site.transactions()) == 3


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({"meterStop": 999}, ["meter_went_back"]),
        ({"meterStop": ...}, ["no_baseline"]),
        ({"meterStop": -5}, ["no_baseline"]),
        ({"meterStop": 2**63}, ["no_baseline"]),
        ({"timestamp": "2026-03-01T11:59:59Z"}, ["stop_before_start"]),
        ({"timestamp": "2026-03-01T19:00:00Z"}, ["future", "stop_in_the_future"]),
        ({"timestamp": "2026-03-01T12:00:00"}, ["no_zone"]),
        ({"reason": "Boredom"}, ["unknown_reason"]),
    ],
)
def test_an_odd_stop_is_kept_with_its_doubts(site: PlayedSite, fields: dict[str, Any], flags: list[str]) -> None:
    number = site.start()
    site.stop(number, **fields)
    stored = site.transaction(number)
    assert (stored.open, stored.flags) == (False, flags)
    assert stored.energy_wh is None or stored.energy_wh >= 0


@pytest.mark.parametrize(
    ("reason", "kept"), [("Boredom", "Boredom"), (7, "7"), ([], "Local"), (None, "Local"), ("PowerLoss", "PowerLoss")]
)
def test_a_reason_is_kept_as_it_came(site: PlayedSite, reason: object, kept: str) -> None:
    number = site.start()
    site.stop(number, reason=reason)
    assert site.transaction(number).reason == kept


def test_a_start_without_a_baseline_has_no_energy_whatever_the_register_says(site: PlayedSite) -> None:
    number = site.start(meterStart=...)
    site.stop(number, meterStop=8_000_000)
    assert site.transaction(number).energy_wh is None


@pytest.mark.parametrize("payload", [{}, {"transactionId": None}, {"meterStop": 7}])
def test_an_empty_stop_is_answered_and_kept(site: PlayedSite, payload: dict[str, object]) -> None:
    assert site.ask("StopTransaction", payload) == {}
    assert len(site.transactions()) == 1
    assert len(site.reasons()) == 1


def test_the_transaction_data_of_a_stop_are_meter_values_of_it_once(site: PlayedSite) -> None:
    number = site.start()
    data = [
        {"timestamp": site.time, "sampledValue": [{"value": "1000", "context": "Transaction.Begin"}]},
        {"timestamp": site.later(hours=1), "sampledValue": [{"value": "1500", "context": "Transaction.End"}]},
    ]
    site.stop(number, transactionData=data, timestamp="2026-03-01T13:00:00Z")
    site.stop(number, transactionData=data, timestamp="2026-03-01T13:00:00Z")
    (event,) = site.events(MeterValuesSampled)
    assert event.transaction == site.transaction(number).uuid
    assert [value.samples[0].context for value in event.values] == ["Transaction.Begin", "Transaction.End"]
    assert site.count("meter_value") == 2


def test_boot_finishing_and_a_stop_for_power_loss_are_one_transaction(site: PlayedSite) -> None:
    number = site.start()
    site.ask("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    site.ask("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Finishing"})
    assert site.transaction(number).open
    site.stop(number, reason="PowerLoss")
    (stored,) = site.transactions()
    assert (stored.reason, stored.energy_wh, stored.flags) == ("PowerLoss", 500, [])


def test_an_orphan_does_not_walk_over_all_that_the_site_ever_metered(site: PlayedSite) -> None:
    month_ago = site.clock.at - timedelta(days=30)
    rows = [(iso(month_ago + timedelta(seconds=second)), CP2, 1, b"digest", 7, "[]") for second in range(20_000)]
    site.write(lambda tx: tx.connection.executemany("INSERT INTO meter_value VALUES (?, ?, ?, ?, ?, ?)", rows))
    thousands: list[None] = []
    site.connection.set_progress_handler(lambda: thousands.append(None), 1000)  # steps of SQLite's machine
    site.stop(4711)
    site.connection.set_progress_handler(None, 0)
    assert len(thousands) < 10
