"""Every Core command, asked by a central system that is built on the `ocpp` package."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from ocpp.exceptions import NotSupportedError
from ocpp.messages import Call
from ocpp.v16 import call

from simulator.book import add_up
from simulator.commands import VENDOR_ID
from tests.integration.simulator.central_system import CentralSystem
from tests.integration.simulator.conftest import RunFleet, until

SLOW = {"MeterValueSampleInterval": "600"}


@pytest.fixture
async def one(central: CentralSystem, run_fleet: RunFleet) -> CentralSystem:
    """A central system with one booted charge point to which no car comes by itself."""
    run_fleet(1, arrivals=False, speed=100, connectors=2, configuration=SLOW)
    await until(lambda: len(central.of("StatusNotification")) == 3)
    return central


async def start(central: CentralSystem, connector_id: int = 1) -> int:
    """Start a transaction from afar; its number."""
    count = len(central.of("StartTransaction"))
    answer = await central.send("CP001", call.RemoteStartTransaction(id_tag="REMOTE", connector_id=connector_id))
    assert answer.status == "Accepted"
    await until(
        lambda: len(central.of("StartTransaction")) > count and statuses(central, connector_id)[-1] == "Charging"
    )
    return 1000 + count


def statuses(central: CentralSystem, connector_id: int) -> list[str]:
    return [report["status"] for report in central.of("StatusNotification") if report["connector_id"] == connector_id]


def all_have(central: CentralSystem, status: str) -> bool:
    return all(statuses(central, number)[-1] == status for number in (0, 1, 2))


def has_grown(central: CentralSystem, action: str, count: int) -> bool:
    return len(central.of(action)) > count


async def ask(central: CentralSystem, payload: object) -> Any:
    return await central.send("CP001", payload)


async def test_remote_start_authorises_then_starts_and_remote_stop_ends_it(one: CentralSystem) -> None:
    number = await start(one)
    assert one.of("Authorize")[0]["id_tag"] == "REMOTE"
    assert (await ask(one, call.RemoteStopTransaction(transaction_id=number))).status == "Accepted"
    await until(lambda: one.of("StopTransaction"))
    assert one.of("StopTransaction")[0]["reason"] == "Remote"
    await until(lambda: statuses(one, 1)[-1] == "Available")
    assert statuses(one, 1) == ["Available", "Preparing", "Charging", "Finishing", "Available"]


async def test_remote_start_without_authorisation_asks_nobody(one: CentralSystem) -> None:
    await ask(one, call.ChangeConfiguration(key="AuthorizeRemoteTxRequests", value="false"))
    await start(one)
    assert not one.of("Authorize")


async def test_remote_start_of_a_busy_or_unknown_connector_is_rejected(one: CentralSystem) -> None:
    await start(one)
    for connector_id in (1, 9):
        answer = await ask(one, call.RemoteStartTransaction(id_tag="OTHER", connector_id=connector_id))
        assert answer.status == "Rejected"
    assert (await ask(one, call.RemoteStartTransaction(id_tag="OTHER"))).status == "Accepted"


async def test_remote_stop_of_an_unknown_transaction_is_rejected(one: CentralSystem) -> None:
    assert (await ask(one, call.RemoteStopTransaction(transaction_id=77))).status == "Rejected"


async def test_change_availability_takes_effect_at_once_when_free(one: CentralSystem) -> None:
    for kind, status in (("Inoperative", "Unavailable"), ("Operative", "Available")):
        assert (await ask(one, call.ChangeAvailability(connector_id=0, type=kind))).status == "Accepted"
        await until(partial(all_have, one, status))


async def test_change_availability_waits_for_the_running_transaction(one: CentralSystem) -> None:
    number = await start(one)
    assert (await ask(one, call.ChangeAvailability(connector_id=1, type="Inoperative"))).status == "Scheduled"
    assert statuses(one, 1)[-1] == "Charging"
    await ask(one, call.RemoteStopTransaction(transaction_id=number))
    await until(lambda: statuses(one, 1)[-1] == "Unavailable")
    assert (await ask(one, call.RemoteStartTransaction(id_tag="OTHER", connector_id=1))).status == "Rejected"


async def test_change_availability_of_an_unknown_connector_is_rejected(one: CentralSystem) -> None:
    assert (await ask(one, call.ChangeAvailability(connector_id=9, type="Operative"))).status == "Rejected"


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("meterValueSampleInterval", "10", "Accepted"),
        ("MeterValueSampleInterval", "-1", "Rejected"),
        ("LocalAuthorizeOffline", "yes", "Rejected"),
        ("MeterValuesSampledData", "SoC,Temperature", "Rejected"),
        ("NumberOfConnectors", "3", "Rejected"),
        ("ConnectorPhaseRotation", "0.RTS", "RebootRequired"),
        ("Nonsense", "1", "NotSupported"),
    ],
)
async def test_change_configuration_checks_access_and_type(
    one: CentralSystem, key: str, value: str, status: str
) -> None:
    assert (await ask(one, call.ChangeConfiguration(key=key, value=value))).status == status


async def test_get_configuration_tells_all_or_what_was_asked(one: CentralSystem) -> None:
    everything = await ask(one, call.GetConfiguration())
    assert len(everything.configuration_key) > 20
    some = await ask(one, call.GetConfiguration(key=["HeartbeatInterval", "Nonsense"]))
    assert some.configuration_key == [{"key": "HeartbeatInterval", "readonly": False, "value": "60"}]
    assert some.unknown_key == ["Nonsense"]


async def test_clear_cache_is_accepted_and_rejected_without_a_cache(one: CentralSystem) -> None:
    assert (await ask(one, call.ClearCache())).status == "Accepted"
    await ask(one, call.ChangeConfiguration(key="AuthorizationCacheEnabled", value="false"))
    assert (await ask(one, call.ClearCache())).status == "Rejected"


async def test_data_transfer_knows_its_own_vendor_alone(one: CentralSystem) -> None:
    assert (await ask(one, call.DataTransfer(vendor_id="someone"))).status == "UnknownVendorId"
    assert (await ask(one, call.DataTransfer(vendor_id=VENDOR_ID))).status == "UnknownMessageId"
    echo = await ask(one, call.DataTransfer(vendor_id=VENDOR_ID, message_id="Echo", data="hello"))
    assert (echo.status, echo.data) == ("Accepted", "hello")


async def test_unlock_connector_ends_the_transaction_first(one: CentralSystem) -> None:
    await start(one)
    assert (await ask(one, call.UnlockConnector(connector_id=1))).status == "Unlocked"
    await until(lambda: one.of("StopTransaction"))
    assert one.of("StopTransaction")[0]["reason"] == "UnlockCommand"
    assert (await ask(one, call.UnlockConnector(connector_id=9))).status == "NotSupported"


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
async def test_reset_stops_transactions_comes_back_and_boots(one: CentralSystem, kind: str) -> None:
    await start(one)
    assert (await ask(one, call.Reset(type=kind))).status == "Accepted"
    await until(lambda: len(one.of("BootNotification")) == 2)
    await until(lambda: one.of("StopTransaction"))
    assert one.of("StopTransaction")[0]["reason"] == f"{kind}Reset"
    assert one.connections["CP001"] == 2


async def test_trigger_message_sends_what_was_asked_after_the_answer(one: CentralSystem) -> None:
    await start(one)
    for name in ("Heartbeat", "StatusNotification", "MeterValues"):
        count = len(one.of(name))
        assert (await ask(one, call.TriggerMessage(requested_message=name, connector_id=1))).status == "Accepted"
        await until(partial(has_grown, one, name, count))
    samples = one.of("MeterValues")[-1]["meter_value"][0]["sampled_value"]
    assert {sample["context"] for sample in samples} == {"Trigger"}
    assert (await ask(one, call.TriggerMessage(requested_message="BootNotification"))).status == "Rejected"


async def test_a_message_that_only_charge_points_send_is_not_supported(one: CentralSystem) -> None:
    with pytest.raises(NotSupportedError):
        await ask(one, call.Heartbeat())


async def test_unknown_action_is_not_implemented(one: CentralSystem) -> None:
    session = one.sessions["CP001"]
    await session._send(Call("x1", "MakeCoffee", {}).to_json())
    answer = await session._response_queue.get()
    assert answer.error_code == "NotImplemented"


async def test_answered_commands_are_in_the_ledger(central: CentralSystem, run_fleet: RunFleet) -> None:
    fleet = run_fleet(1, arrivals=False)
    await until(lambda: central.of("StatusNotification"))
    await central.send("CP001", call.ClearCache())
    await until(lambda: add_up(fleet.ledger.records).commands["ClearCache"] == 1)
