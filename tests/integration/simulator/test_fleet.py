"""A fleet against a central system that is built on the `ocpp` package."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ocpp.v16 import call

from simulator.book import add_up
from simulator.clock import from_wire
from simulator.uplink import Registration
from tests.integration.simulator.central_system import CentralSystem
from tests.integration.simulator.conftest import RunFleet, until


async def test_charge_points_boot_charge_and_stop_and_the_ledger_agrees_with_the_central_system(
    central: CentralSystem, run_fleet: RunFleet
) -> None:
    fleet = run_fleet(3, connectors=2)
    await until(lambda: len(central.of("StopTransaction")) >= 4)
    assert await fleet.drain(10)
    book = add_up(fleet.ledger.records)
    starts, stops = central.of("StartTransaction"), central.of("StopTransaction")
    assert len(book.transactions) == len(starts) == len(stops)
    assert book.energy_wh == sum(stop["meter_stop"] for stop in stops) - sum(start["meter_start"] for start in starts)
    assert book.others["BootNotification"] == 3
    assert not book.dropped
    assert not book.orphans
    periodic = sum(len(values["meter_value"]) for values in central.of("MeterValues"))
    ends = sum(len(stop["transaction_data"]) for stop in stops)
    assert sum(len(transaction.sampled_at) for transaction in book.transactions.values()) == periodic + ends


async def test_power_energy_and_timestamps_of_the_samples_agree(central: CentralSystem, run_fleet: RunFleet) -> None:
    fleet = run_fleet(2, speed=2000)
    await until(lambda: len(central.of("StopTransaction")) >= 1, 20)
    await fleet.drain(5)
    stop = central.of("StopTransaction")[0]
    start = central.of("StartTransaction")[stop["transaction_id"] - 1000]
    hours = (from_wire(stop["timestamp"]) - from_wire(start["timestamp"])).total_seconds() / 3600
    assert 0 < stop["meter_stop"] - start["meter_start"] <= 22_000 * hours + 1


async def test_basic_password_and_percent_encoded_identity_go_with_the_upgrade(
    central: CentralSystem, run_fleet: RunFleet
) -> None:
    run_fleet(1, arrivals=False, passwords={"CP001": "secret"})
    await until(lambda: central.of("StatusNotification"))
    assert central.headers["CP001"]["Authorization"] == "Basic Q1AwMDE6c2VjcmV0"
    assert central.headers["CP001"]["Sec-WebSocket-Protocol"] == "ocpp1.6"


async def test_pending_and_rejected_charge_points_ask_again_and_report_only_once_accepted(
    central: CentralSystem, run_fleet: RunFleet
) -> None:
    central.interval_s = 1
    central.boot_answers = ["Pending", "Rejected"]
    run_fleet(1, arrivals=False)
    await until(lambda: central.of("StatusNotification"))
    assert central.actions()[:3] == ["BootNotification"] * 3
    await until(lambda: len(central.of("StatusNotification")) == 2)
    assert [report["connector_id"] for report in central.of("StatusNotification")] == [0, 1]
    await until(lambda: central.of("Heartbeat"))


async def test_rejected_charge_point_answers_no_calls(central: CentralSystem, run_fleet: RunFleet) -> None:
    central.boot_answers = ["Rejected"]
    fleet = run_fleet(1, arrivals=False)
    await until(lambda: fleet.charge_points[0].uplink.registration is Registration.REJECTED)
    central.sessions["CP001"]._response_timeout = 0.3
    try:
        await central.send("CP001", call.ClearCache())
    except TimeoutError:
        return
    raise AssertionError("a rejected charge point answered")


async def test_reconnect_brings_no_boot_and_only_the_status_that_changed(
    central: CentralSystem, run_fleet: RunFleet
) -> None:
    fleet = run_fleet(1, arrivals=False)
    await until(lambda: add_up(fleet.ledger.records).others["StatusNotification"] == 2)
    central.drop_lines()
    await until(lambda: central.connections["CP001"] == 2)
    await central.send("CP001", call.TriggerMessage(requested_message="Heartbeat"))
    await until(lambda: central.of("Heartbeat"))
    assert len(central.of("BootNotification")) == 1
    assert len(central.of("StatusNotification")) == 2


async def test_refused_upgrade_is_tried_again(central: CentralSystem, run_fleet: RunFleet) -> None:
    central.refusing = True
    fleet = run_fleet(1, arrivals=False)
    await until(lambda: fleet.charge_points[0].uplink._back_off.failures >= 2)
    central.refusing = False
    await until(lambda: central.of("BootNotification"))


async def test_outage_in_a_transaction_loses_nothing_and_keeps_the_order(
    central: CentralSystem, run_fleet: RunFleet
) -> None:
    fleet = run_fleet(4, speed=2500, configuration={"MeterValueSampleInterval": "300", "LocalPreAuthorize": "true"})
    for charge_point in fleet.charge_points:
        for number in range(1, 25):
            charge_point.cache.remember(f"GARDU{number:04d}", "Accepted", None)
    await until(lambda: len(central.of("MeterValues")) >= 4)
    port = central.port
    await central.shut()
    await until(lambda: any(t.begun_offline for t in _queued(fleet.charge_points)), 30)
    await central.listen(port)
    await until(lambda: all(charge_point.uplink.online.is_set() for charge_point in fleet.charge_points))
    assert await fleet.drain(20)
    book = add_up(fleet.ledger.records)
    assert not book.dropped
    assert any(transaction.begun_offline for transaction in book.transactions.values())
    for transaction in book.transactions.values():
        assert transaction.stopped_at is not None
        assert transaction.sampled_at[-1] == transaction.stopped_at
    assert _wire_order(central) == sorted(_wire_order(central))


def _queued(charge_points: list) -> list:  # type: ignore[type-arg]
    return [message.transaction for charge_point in charge_points for message in charge_point.delivery.queue]


def _wire_order(central: CentralSystem) -> list[tuple[str, str]]:
    """(identity, timestamp) of each transaction-related message as it arrived, grouped by identity."""
    stamps = [
        (identity, payload.get("timestamp") or payload["meter_value"][0]["timestamp"])
        for identity, action, payload in central.received
        if action in {"StartTransaction", "MeterValues", "StopTransaction"}
    ]
    return sorted(stamps, key=lambda stamp: stamp[0])


async def test_call_errors_are_retried_then_the_drop_is_written_down(
    central: CentralSystem, run_fleet: RunFleet
) -> None:
    settings = {
        "MeterValueSampleInterval": "0",
        "TransactionMessageAttempts": "3",
        "TransactionMessageRetryInterval": "0",
    }
    central.failures["StartTransaction"] = 3
    fleet = run_fleet(1, configuration=settings)
    await until(lambda: add_up(fleet.ledger.records).orphans)  # received is not yet acknowledged
    book = add_up(fleet.ledger.records)
    assert [record["action"] for record in book.dropped] == ["StartTransaction"]
    assert book.dropped[0]["attempts"] == 3
    assert central.of("StopTransaction")[0]["transaction_id"] == -1
    assert len(book.orphans) == 1


async def test_call_error_storm_shorter_than_the_attempts_loses_nothing(
    central: CentralSystem, run_fleet: RunFleet
) -> None:
    for action in ("StartTransaction", "StopTransaction", "MeterValues"):
        central.failures[action] = 2
    fleet = run_fleet(1)
    await until(lambda: len(central.of("StopTransaction")) >= 3)
    assert await fleet.drain(10)
    book = add_up(fleet.ledger.records)
    assert not book.dropped
    assert not book.orphans
    assert all(transaction.stopped_at for transaction in book.transactions.values())


async def test_refused_id_tag_starts_nothing(central: CentralSystem, run_fleet: RunFleet) -> None:
    central.authorise_status = "Blocked"
    run_fleet(1)
    await until(lambda: len(central.of("Authorize")) >= 2)
    assert not central.of("StartTransaction")


async def test_start_answered_with_an_invalid_id_tag_is_stopped_by_the_charge_point(
    central: CentralSystem, run_fleet: RunFleet
) -> None:
    central.start_status = "Invalid"
    run_fleet(1)
    await until(lambda: central.of("StopTransaction"))
    assert central.of("StopTransaction")[0]["reason"] == "DeAuthorized"


async def test_clock_that_is_wrong_stays_wrong(central: CentralSystem, run_fleet: RunFleet) -> None:
    run_fleet(1, clock_offset=timedelta(days=-365))
    await until(lambda: central.of("StartTransaction"))
    started_at = from_wire(central.of("StartTransaction")[0]["timestamp"])
    assert timedelta(days=364) < datetime.now(UTC) - started_at < timedelta(days=366)


async def test_lean_charge_points_say_the_same(central: CentralSystem, run_fleet: RunFleet) -> None:
    fleet = run_fleet(2, lean=True)
    await until(lambda: central.of("StopTransaction"))
    assert await fleet.drain(10)
    assert len(add_up(fleet.ledger.records).transactions) == len(central.of("StartTransaction"))
