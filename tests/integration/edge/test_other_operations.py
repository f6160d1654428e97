from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contract.events import (
    AuthorizationDecided,
    ChargePointBooted,
    ConnectorStatusChanged,
    DataTransferReceived,
    DiagnosticsStatusChanged,
    FirmwareStatusChanged,
    MeterValuesSampled,
    TransactionStarted,
)
from edge.domain.connector import STATUSES
from edge.domain.registration import Registration
from edge.domain.timestamps import iso
from edge.operations.from_charge_point.data_transfer import LONGEST_DATA
from edge.store import charge_points, connectors, local_lists
from tests.integration.edge.played_site import CP1, CP2, NOON, PlayedSite

BOOT = {"chargePointVendor": "VendorA", "chargePointModel": "SingleSocketCharger"}


@pytest.mark.parametrize(
    ("id_tag", "status"),
    [("tag", "Accepted"), ("BLOCKED", "Blocked"), ("EXPIRED", "Expired"), ("NOBODY", "Invalid"), ("", "Invalid")],
)
def test_authorize_answers_from_the_directory_and_keeps_the_decision(
    site: PlayedSite, id_tag: str, status: str
) -> None:
    assert site.ask("Authorize", {"idTag": id_tag})["idTagInfo"]["status"] == status
    (event,) = site.events(AuthorizationDecided)
    assert (event.charge_point, event.id_tag, event.status) == (CP1, id_tag, status)


@pytest.mark.parametrize(("registration", "interval"), [("Accepted", 300), ("Pending", 60), ("Rejected", 60)])
def test_boot_notification_tells_where_a_charge_point_stands(
    site: PlayedSite, registration: str, interval: int
) -> None:
    site.write(lambda tx: charge_points.put(tx.connection, CP1, Registration(registration), NOON))
    answer = site.ask("BootNotification", BOOT | {"chargeBoxSerialNumber": "S1", "firmwareVersion": "1.0"})
    assert answer == {"status": registration, "currentTime": "2026-03-01T12:00:00.000Z", "interval": interval}
    known = charge_points.find(site.connection, CP1)
    assert known is not None
    assert (known.vendor, known.serial_number, known.firmware_version) == ("VendorA", "S1", "1.0")
    assert known.booted_at == known.last_seen_at == "2026-03-01T12:00:00.000Z"
    (event,) = site.events(ChargePointBooted)
    assert (event.registration_status, event.serial_number) == (registration, "S1")


def test_the_boot_of_a_charge_point_that_is_not_known_is_rejected(site: PlayedSite) -> None:
    assert site.ask("BootNotification", BOOT, charge_point="CP9")["status"] == "Rejected"
    assert charge_points.find(site.connection, "CP9") is None


def test_an_over_long_vendor_is_cut_and_kept_raw(site: PlayedSite) -> None:
    assert site.ask("BootNotification", BOOT | {"chargePointVendor": "v" * 30})["status"] == "Accepted"
    (event,) = site.events(ChargePointBooted)
    assert event.vendor == "v" * 20
    assert len(site.reasons()) == 1


def test_heartbeat_tells_the_time_and_remembers_that_it_was_heard(site: PlayedSite) -> None:
    site.later(seconds=90)
    assert site.ask("Heartbeat", {}) == {"currentTime": "2026-03-01T12:01:30.000Z"}
    known = charge_points.find(site.connection, CP1)
    assert known is not None
    assert known.last_seen_at == "2026-03-01T12:01:30.000Z"
    assert site.events() == []


@pytest.mark.parametrize(
    ("vendor", "message", "status"),
    [
        ("VendorA", "known", "Accepted"),
        ("VendorA", "unknown", "UnknownMessageId"),
        ("VendorA", None, "UnknownMessageId"),
        ("VendorB", "known", "UnknownVendorId"),
        ("vendora", "known", "UnknownVendorId"),
    ],
)
def test_data_transfer_is_accepted_where_the_site_knows_it(
    site: PlayedSite, vendor: str, message: str | None, status: str
) -> None:
    assert site.ask("DataTransfer", {"vendorId": vendor, "messageId": message, "data": "d"}) == {"status": status}
    (event,) = site.events(DataTransferReceived)
    assert (event.vendor_id, event.message_id, event.data, event.status) == (vendor, message, "d", status)


@pytest.mark.parametrize("over", [0, 1, 500_000])
def test_long_vendor_data_is_cut_on_its_way_and_kept_whole_here(site: PlayedSite, over: int) -> None:
    data = "ä" * (LONGEST_DATA + over)
    assert site.ask("DataTransfer", {"vendorId": "VendorB", "data": data}) == {"status": "UnknownVendorId"}
    (event,) = site.events(DataTransferReceived)
    assert event.data == data[:LONGEST_DATA]
    assert [str(len(data)) in reason for reason in site.reasons()] == [True] * bool(over)


def test_a_vendor_without_named_messages_may_send_any(site: PlayedSite) -> None:
    site.policy = type(site.policy)(known_vendor_messages={"VendorB": frozenset()})
    assert site.ask("DataTransfer", {"vendorId": "VendorB"}) == {"status": "Accepted"}


def test_firmware_and_diagnostics_progress_is_passed_on(site: PlayedSite) -> None:
    assert site.ask("FirmwareStatusNotification", {"status": "Downloading"}) == {}
    assert site.ask("DiagnosticsStatusNotification", {"status": "Uploaded"}) == {}
    assert [event.status for event in site.events(FirmwareStatusChanged)] == ["Downloading"]
    assert [event.status for event in site.events(DiagnosticsStatusChanged)] == ["Uploaded"]


def status(site: PlayedSite, **fields: Any) -> None:
    payload = {"connectorId": 1, "errorCode": "NoError", "status": "Available"} | fields
    assert site.ask("StatusNotification", payload) == {}


def test_a_repeated_status_travels_once_and_its_time_is_kept(site: PlayedSite) -> None:
    status(site)
    site.later(minutes=1)
    status(site, timestamp=site.time)
    (event,) = site.events(ConnectorStatusChanged)
    assert event.status_at == NOON
    (state,) = connectors.of_charge_point(site.connection, CP1)
    assert state.status_at == "2026-03-01T12:01:00.000Z"


@pytest.mark.parametrize(
    "change",
    [{"status": "Preparing"}, {"errorCode": "HighTemperature"}, {"info": "hot"}, {"vendorErrorCode": "E7"}],
)
def test_any_change_of_a_status_travels(site: PlayedSite, change: dict[str, str]) -> None:
    status(site)
    status(site, **change)
    status(site)
    assert len(site.events(ConnectorStatusChanged)) == 3


def test_every_step_from_one_status_to_another_is_accepted(site: PlayedSite) -> None:
    for one in STATUSES:
        for other in STATUSES:
            status(site, status=one)
            status(site, status=other)
            assert connectors.of_charge_point(site.connection, CP1)[0].status == other


def test_connector_0_says_nothing_about_the_others(site: PlayedSite) -> None:
    status(site)
    status(site, connectorId=0, status="Unavailable")
    assert [(one.connector_id, one.status) for one in connectors.of_charge_point(site.connection, CP1)] == [
        (0, "Unavailable"),
        (1, "Available"),
    ]


@pytest.mark.parametrize("final", STATUSES)
def test_no_status_closes_a_transaction(site: PlayedSite, final: str) -> None:
    number = site.start()
    status(site, status=final)
    assert site.transaction(number).open


def metered(site: PlayedSite) -> list[MeterValuesSampled]:
    return site.events(MeterValuesSampled)


def test_meter_values_belong_to_the_transaction_that_they_name(site: PlayedSite) -> None:
    number = site.start()
    assert site.meter("1100", transactionId=number) == {}
    (event,) = metered(site)
    assert (event.connector_id, event.transaction) == (1, site.transaction(number).uuid)
    (value,) = event.values
    assert (value.sampled_at, value.samples[0].value, value.samples[0].unit) == (NOON, "1100", "Wh")


def test_repeated_meter_values_count_once_also_after_a_restart(site: PlayedSite) -> None:
    number = site.start()
    value = [{"timestamp": site.time, "sampledValue": [{"value": "1100"}]}]
    for _ in range(3):
        site.meter("", meterValue=value, transactionId=number)
        site.later(minutes=1)
        site.restart()
    assert site.count("meter_value") == 1
    assert len(metered(site)) == 1


def test_only_what_is_new_of_a_repeated_message_travels(site: PlayedSite) -> None:
    first = {"timestamp": site.time, "sampledValue": [{"value": "1"}]}
    second = {"timestamp": site.later(minutes=1), "sampledValue": [{"value": "2"}]}
    site.meter("", meterValue=[first])
    site.meter("", meterValue=[second, first])
    assert [[value.samples[0].value for value in event.values] for event in metered(site)] == [["1"], ["2"]]


@pytest.mark.parametrize("number", [4711, 0, -1, None, "none", 2**40])
def test_meter_values_of_an_unknown_transaction_are_kept_without_one(site: PlayedSite, number: object) -> None:
    running = site.start()
    site.meter("1100", transactionId=number)
    (event,) = metered(site)
    assert event.transaction is None
    assert site.count("meter_value") == 1
    assert len(site.transactions()) == 1
    assert site.transaction(running).open


def test_meter_values_before_the_start_make_no_transaction(site: PlayedSite) -> None:
    site.meter("1000", transactionId=1)
    assert site.transactions() == []
    assert site.start() == 1


def test_meter_values_after_the_stop_are_added_and_revive_nothing(site: PlayedSite) -> None:
    number = site.start()
    site.later(hours=1)
    site.stop(number)
    before = site.transaction(number)
    site.meter("1500", transactionId=number)
    assert site.transaction(number) == before
    assert metered(site)[0].transaction == before.uuid


def test_meter_values_never_reach_another_charge_points_transaction(site: PlayedSite) -> None:
    number = site.start(charge_point=CP2)
    site.meter("1100", transactionId=number)
    assert metered(site)[0].transaction is None


def test_the_main_meter_belongs_to_no_transaction(site: PlayedSite) -> None:
    number = site.start()
    site.meter("1100", connectorId=0, transactionId=number)
    (event,) = metered(site)
    assert (event.connector_id, event.transaction) == (0, None)


def test_a_missing_connector_is_that_of_the_transaction(site: PlayedSite) -> None:
    number = site.start(connectorId=2)
    site.meter("1100", connectorId=..., transactionId=number)
    site.meter("1100", connectorId=...)
    assert [event.connector_id for event in metered(site)] == [2, 0]


def test_a_value_that_is_no_number_is_kept_in_quarantine_and_never_counted(site: PlayedSite) -> None:
    number = site.start()
    assert site.meter("ABCDEF", transactionId=number) == {}
    assert site.reasons() == ["the value of Energy.Active.Import.Register is no number"]
    assert (metered(site), site.count("meter_value")) == ([], 0)


@pytest.mark.parametrize(("readings", "sizes"), [(200, [200]), (201, [200, 1]), (1_000, [200] * 5)])
def test_the_data_of_a_long_transaction_travel_in_several_events(
    site: PlayedSite, readings: int, sizes: list[int]
) -> None:
    number = site.start()
    data = [{"timestamp": site.later(seconds=10), "sampledValue": [{"value": str(n)}]} for n in range(readings)]
    site.stop(number, transactionData=data)
    told = metered(site)
    assert [len(event.values) for event in told] == sizes
    assert [int(value.samples[0].value) for event in told for value in event.values] == list(range(readings))
    assert {event.transaction for event in told} == {site.transaction(number).uuid}
    assert site.count("meter_value") == readings


def test_meter_values_with_an_odd_time_are_kept_at_the_time_of_receipt(site: PlayedSite) -> None:
    site.meter("", meterValue=[{"timestamp": "1970-01-01T00:00:00Z", "sampledValue": [{"value": "1"}]}])
    assert metered(site)[0].values[0].sampled_at == NOON


@pytest.mark.parametrize("payload", [{}, {"meterValue": []}, {"connectorId": 1, "meterValue": [7, {}, []]}])
def test_empty_meter_values_are_answered(site: PlayedSite, payload: dict[str, object]) -> None:
    assert site.ask("MeterValues", payload) == {}
    assert len(site.reasons()) == 1
    assert metered(site) == []


def test_a_status_that_overtakes_a_queued_transaction_spoils_neither(site: PlayedSite) -> None:
    began = site.time
    status(site, timestamp=site.later(hours=2))
    number = site.start(timestamp=began)
    site.stop(number, timestamp="2026-03-01T13:00:00Z")
    stored = site.transaction(number)
    assert (stored.started_at, stored.stopped_at) == (NOON, NOON + timedelta(hours=1))
    assert connectors.of_charge_point(site.connection, CP1)[0].status == "Available"


def test_what_a_failed_handler_leaves_is_kept_and_answered_well(site: PlayedSite) -> None:
    answer = site.salvage("StartTransaction", {"connectorId": 1}, "the handler failed")
    assert answer == {"transactionId": 1, "idTagInfo": {"status": "Invalid"}}
    assert site.salvage("StopTransaction", {}, "the handler failed") == {}
    assert site.salvage("MeterValues", {}, "the handler failed") == {}
    assert site.reasons() == ["the handler failed"] * 3
    (told,) = site.events(TransactionStarted)
    assert told.flags == ["salvaged"]


def test_the_number_of_a_salvaged_start_is_never_given_again_and_takes_its_stop(site: PlayedSite) -> None:
    number = site.salvage("StartTransaction", {}, "the handler failed")["transactionId"]
    assert site.start() == number + 1
    site.stop(number)
    assert not site.transaction(number).open
    assert "start_unknown" in site.transaction(number).flags


def test_a_repaired_frame_is_kept_as_it_came(site: PlayedSite) -> None:
    site.ask("Authorize", {"idTag": "TAG", "vendorExtra": 1})
    ((raw,),) = site.connection.execute("SELECT raw FROM quarantine").fetchall()
    assert raw == '[2,"1","Authorize",{"idTag":"TAG","vendorExtra":1}]'


def test_a_conflict_that_lasts_asks_for_one_full_list_an_hour(site: PlayedSite) -> None:
    def demanded() -> list[str]:
        rows = site.connection.execute("SELECT due_at FROM upkeep_task WHERE kind = 'local_list'").fetchall()
        return [row["due_at"] for row in rows]

    def sent() -> None:
        site.connection.execute("DELETE FROM upkeep_task")
        site.write(lambda tx: local_lists.record(tx.connection, CP1, 7, {}, site.clock.now()))

    site.status("Available", connectorId=0, errorCode="LocalListConflict")
    assert demanded() == [iso(site.clock.now())]
    sent()
    site.later(minutes=1)
    site.status("Available", connectorId=0, errorCode="LocalListConflict")
    assert demanded() == [iso(site.clock.now() + timedelta(minutes=59))]
    site.status("Unavailable", connectorId=0, errorCode="LocalListConflict")
    assert demanded() == [iso(site.clock.now() + timedelta(minutes=59))]
    sent()
    site.later(hours=2)
    site.status("Available", connectorId=0, errorCode="LocalListConflict")  # some never take it back
    assert demanded() == [iso(site.clock.now())]
