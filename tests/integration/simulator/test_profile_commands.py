"""The commands beyond Core, asked by a central system that is built on the `ocpp` package."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from ocpp.v16 import call

from tests.integration.simulator.central_system import CentralSystem
from tests.integration.simulator.conftest import RunFleet, until
from tests.unit.simulator.test_certificates import ROOT

SLOW = {"MeterValueSampleInterval": "600"}
SOON = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()


@pytest.fixture
async def one(central: CentralSystem, run_fleet: RunFleet) -> CentralSystem:
    """A central system with one booted charge point to which no car comes by itself."""
    run_fleet(1, arrivals=False, speed=100, connectors=2, configuration=SLOW)
    await until(lambda: len(central.of("StatusNotification")) == 3)
    return central


async def ask(central: CentralSystem, payload: object) -> Any:
    return await central.send("CP001", payload)


def status_is(central: CentralSystem, connector_id: int, status: str) -> bool:
    told = [one["status"] for one in central.of("StatusNotification") if one["connector_id"] == connector_id]
    return bool(told[-1] == status)


def told(central: CentralSystem, action: str) -> list[str]:
    return [payload["status"] for payload in central.of(action)]


def reservation(number: int = 5, *, id_tag: str = "MINE", seconds: float = 600, connector_id: int = 1) -> Any:
    expiry = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    return call.ReserveNow(connector_id=connector_id, expiry_date=expiry, id_tag=id_tag, reservation_id=number)


def profile(limit: float, purpose: str = "TxDefaultProfile", **more: Any) -> dict[str, Any]:
    return {
        "charging_profile_id": 1,
        "stack_level": 0,
        "charging_profile_purpose": purpose,
        "charging_profile_kind": "Relative",
        "charging_schedule": {
            "charging_rate_unit": "A",
            "charging_schedule_period": [{"start_period": 0, "limit": limit}],
        },
        **more,
    }


async def test_the_local_list_keeps_what_it_was_sent_and_its_version(one: CentralSystem) -> None:
    assert (await ask(one, call.GetLocalListVersion())).list_version == 0
    entries = [{"id_tag": "LISTED", "id_tag_info": {"status": "Accepted"}}]
    for version, kind, status in ((3, "Full", "Accepted"), (3, "Differential", "VersionMismatch")):
        answer = await ask(
            one, call.SendLocalList(list_version=version, update_type=kind, local_authorization_list=entries)
        )
        assert answer.status == status
    assert (await ask(one, call.GetLocalListVersion())).list_version == 3
    await ask(one, call.ChangeConfiguration(key="LocalPreAuthorize", value="true"))
    await ask(one, call.RemoteStartTransaction(id_tag="listed", connector_id=1))
    await until(lambda: one.of("StartTransaction"))
    assert not one.of("Authorize")


async def test_a_reservation_keeps_its_connector_for_its_id_tag_and_travels_with_the_transaction(
    one: CentralSystem,
) -> None:
    assert (await ask(one, reservation())).status == "Accepted"
    await until(partial(status_is, one, 1, "Reserved"))
    assert (await ask(one, reservation(6))).status == "Occupied"
    assert (await ask(one, call.RemoteStartTransaction(id_tag="OTHER", connector_id=1))).status == "Rejected"
    assert (await ask(one, call.RemoteStartTransaction(id_tag="MINE", connector_id=1))).status == "Accepted"
    await until(lambda: one.of("StartTransaction"))
    assert one.of("StartTransaction")[0]["reservation_id"] == 5
    assert (await ask(one, call.CancelReservation(reservation_id=5))).status == "Rejected"


async def test_a_reservation_ends_when_it_is_cancelled_and_when_it_expires(one: CentralSystem) -> None:
    await ask(one, reservation())
    await until(partial(status_is, one, 1, "Reserved"))
    assert (await ask(one, call.CancelReservation(reservation_id=5))).status == "Accepted"
    await until(partial(status_is, one, 1, "Available"))
    assert (await ask(one, reservation(seconds=0.5))).status == "Accepted"
    await until(partial(status_is, one, 1, "Reserved"))
    await until(partial(status_is, one, 1, "Available"))


async def test_a_reservation_that_cannot_be_is_told_why(one: CentralSystem) -> None:
    assert (await ask(one, reservation(connector_id=9))).status == "Rejected"
    assert (await ask(one, reservation(seconds=-1))).status == "Rejected"
    assert (await ask(one, reservation(connector_id=0))).status == "Accepted"
    await ask(one, call.ChangeAvailability(connector_id=2, type="Inoperative"))
    await until(partial(status_is, one, 2, "Unavailable"))
    assert (await ask(one, reservation(connector_id=2))).status == "Unavailable"


async def test_a_charging_profile_limits_what_flows_and_shows_in_the_composite_schedule(one: CentralSystem) -> None:
    assert (
        await ask(one, call.SetChargingProfile(connector_id=0, cs_charging_profiles=profile(8)))
    ).status == "Accepted"
    answer = await ask(one, call.GetCompositeSchedule(connector_id=1, duration=600, charging_rate_unit="A"))
    assert (answer.status, answer.connector_id) == ("Accepted", 1)
    assert answer.charging_schedule["charging_schedule_period"] == [{"start_period": 0, "limit": 8.0}]
    await ask(one, call.RemoteStartTransaction(id_tag="TAG", connector_id=1))
    await until(partial(status_is, one, 1, "Charging"))
    await ask(one, call.SetChargingProfile(connector_id=0, cs_charging_profiles=profile(0)))
    await until(partial(status_is, one, 1, "SuspendedEVSE"))
    assert (await ask(one, call.ClearChargingProfile(id=1))).status == "Accepted"
    assert (await ask(one, call.ClearChargingProfile(id=1))).status == "Unknown"
    await until(partial(status_is, one, 1, "Charging"))


@pytest.mark.parametrize(
    ("connector_id", "wanted"),
    [
        (1, profile(8, "TxProfile")),
        (1, profile(8, "ChargePointMaxProfile")),
        (9, profile(8)),
        (1, profile(8, stack_level=9)),
    ],
)
async def test_a_charging_profile_that_cannot_hold_is_rejected(
    one: CentralSystem, connector_id: int, wanted: dict[str, Any]
) -> None:
    answer = await ask(one, call.SetChargingProfile(connector_id=connector_id, cs_charging_profiles=wanted))
    assert answer.status == "Rejected"


async def test_the_profile_of_a_remote_start_goes_with_its_transaction(one: CentralSystem) -> None:
    start = call.RemoteStartTransaction(id_tag="TAG", connector_id=1, charging_profile=profile(0, "TxProfile"))
    assert (await ask(one, start)).status == "Accepted"
    await until(partial(status_is, one, 1, "SuspendedEVSE"))
    await ask(one, call.RemoteStopTransaction(transaction_id=1000))
    await until(lambda: one.of("StopTransaction"))
    assert (await ask(one, call.ClearChargingProfile(connector_id=1))).status == "Unknown"


async def test_new_firmware_is_told_step_by_step_and_named_by_the_next_boot(one: CentralSystem) -> None:
    await ask(one, call.UpdateFirmware(location="http://files.example/fw-2.0.0.bin", retrieve_date=SOON))
    steps = ["Downloading", "Downloaded", "Installing", "Installed"]
    await until(lambda: told(one, "FirmwareStatusNotification") == steps, timeout_s=30)
    assert [boot["firmware_version"] for boot in one.of("BootNotification")] == ["1.0.0", "fw-2.0.0"]


async def test_signed_firmware_is_told_with_its_request(one: CentralSystem) -> None:
    firmware = {
        "location": "https://files.example/signed.bin",
        "retrieve_date_time": SOON,
        "signing_certificate": ROOT,
        "signature": "c2ln",
    }
    bad = firmware | {"signing_certificate": "none"}
    answer = await ask(one, call.SignedUpdateFirmware(request_id=1, firmware=bad))
    assert answer.status == "InvalidCertificate"
    answer = await ask(one, call.SignedUpdateFirmware(request_id=2, firmware=firmware))
    assert answer.status == "Accepted"
    await until(lambda: told(one, "SignedFirmwareStatusNotification")[-1:] == ["Installed"], timeout_s=30)
    assert {payload["request_id"] for payload in one.of("SignedFirmwareStatusNotification")} == {2}


async def test_diagnostics_and_logs_are_uploaded(one: CentralSystem) -> None:
    assert (await ask(one, call.GetDiagnostics(location="http://files.example/"))).file_name
    await until(lambda: told(one, "DiagnosticsStatusNotification") == ["Uploading", "Uploaded"])
    log = {"remote_location": "http://files.example/"}
    assert (await ask(one, call.GetLog(log=log, log_type="SecurityLog", request_id=7))).status == "Accepted"
    await until(lambda: told(one, "LogStatusNotification") == ["Uploading", "Uploaded"])
    assert {payload["request_id"] for payload in one.of("LogStatusNotification")} == {7}


async def test_roots_are_installed_listed_and_deleted(one: CentralSystem) -> None:
    kind = "ManufacturerRootCertificate"
    assert (await ask(one, call.GetInstalledCertificateIds(certificate_type=kind))).status == "NotFound"
    assert (await ask(one, call.InstallCertificate(certificate_type=kind, certificate="x"))).status == "Rejected"
    assert (await ask(one, call.InstallCertificate(certificate_type=kind, certificate=ROOT))).status == "Accepted"
    listed = await ask(one, call.GetInstalledCertificateIds(certificate_type=kind))
    [data] = listed.certificate_hash_data
    for status in ("Accepted", "NotFound"):
        assert (await ask(one, call.DeleteCertificate(certificate_hash_data=data))).status == status
    assert (await ask(one, call.CertificateSigned(certificate_chain=ROOT))).status == "Rejected"


@pytest.mark.parametrize(
    ("trigger", "message"),
    [
        (call.TriggerMessage(requested_message="FirmwareStatusNotification"), "FirmwareStatusNotification"),
        (call.TriggerMessage(requested_message="DiagnosticsStatusNotification"), "DiagnosticsStatusNotification"),
        (call.ExtendedTriggerMessage(requested_message="LogStatusNotification"), "LogStatusNotification"),
        (
            call.ExtendedTriggerMessage(requested_message="FirmwareStatusNotification"),
            "SignedFirmwareStatusNotification",
        ),
    ],
)
async def test_a_triggered_status_comes_after_the_answer(one: CentralSystem, trigger: Any, message: str) -> None:
    assert (await ask(one, trigger)).status == "Accepted"
    await until(lambda: told(one, message) == ["Idle"])


async def test_a_certificate_of_its_own_is_not_implemented(one: CentralSystem) -> None:
    trigger = call.ExtendedTriggerMessage(requested_message="SignChargePointCertificate")
    assert (await ask(one, trigger)).status == "NotImplemented"
