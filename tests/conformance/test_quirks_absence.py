"""Rows of `quirks.yaml` whose symptom takes hours: a real central system, with a clock that is moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from edge.clock import Clock
from edge.domain.orphans import Patience
from edge.ocpp16.quirks import rows
from edge.operations import orphans
from edge.operations.watch import Watch
from edge.store import transactions, upkeep_tasks
from edge.store.transactions import State
from tests.harness.central import Central, central
from tests.harness.wire import Wire

ABSENT = "ChargePointAbsent"
ORDINARY = ("VendorA", "Ordinary", "1.0")


class MovedClock(Clock):
    """A wall clock that a test sets forward."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Central]:
    async with central(tmp_path, clock=MovedClock()) as house:
        yield house


def later(house: Central, **by: float) -> None:
    assert isinstance(house.clock, MovedClock)
    house.clock.ahead += timedelta(**by)


def example(name: str) -> tuple[str, str, str | None]:
    (found,) = (row.example for row in rows() if row.name == name)
    return found


async def boot(wire: Wire, who: tuple[str, str, str | None]) -> None:
    vendor, model, firmware = who
    boot = {"chargePointVendor": vendor, "chargePointModel": model, "firmwareVersion": firmware or "1"}
    assert (await wire.result("BootNotification", boot))["status"] == "Accepted"


async def missed(house: Central) -> dict[str, str | None]:
    """Let the watch look round; returns whom it misses, and what it says of them."""
    await Watch(house.writer, house.clock, house.system.registry.connected, lambda: False).look()
    return {alarm.charge_point: alarm.detail for alarm in house.alarms(ABSENT) if alarm.cleared_at is None}


@pytest.mark.parametrize("row", ["keba-p30-boot", "mennekes-acu"])
async def test_one_that_does_not_come_back_by_itself_is_missed_after_an_hour(house: Central, row: str) -> None:
    for identity, who in (("GONE", example(row)), ("ORDINARY", ORDINARY)):
        async with await house.charge_point(identity) as wire:
            await boot(wire, who)
            assert (await wire.call("Heartbeat", {}))[0] == 3
        await house.until(lambda identity=identity: not house.connected(identity))  # type: ignore[misc]
    later(house, minutes=50)
    assert await missed(house) == {}
    later(house, minutes=20)
    (detail,) = (await missed(house)).values()
    assert detail is not None
    assert "switch it off and on" in detail
    later(house, hours=24)
    assert set(await missed(house)) == {"GONE", "ORDINARY"}
    async with await house.charge_point("GONE") as wire:
        await boot(wire, example(row))
        assert set(await missed(house)) == {"ORDINARY"}


@pytest.mark.parametrize("row", ["bg-syncev"])
async def test_one_that_needs_long_after_its_boot_is_configured_later(house: Central, row: str) -> None:
    for identity, who in (("LATER", example(row)), ("ORDINARY", ORDINARY)):
        async with await house.charge_point(identity) as wire:
            await boot(wire, who)

    def due(seconds: float) -> set[str]:
        at = house.clock.now() + timedelta(seconds=seconds)
        return {one.charge_point for one in house.readers.run_now(lambda db: upkeep_tasks.due(db, at))}

    assert due(-30) == set()
    later(house, seconds=25)
    assert due(0) == {"ORDINARY"}
    assert due(6) == {"LATER", "ORDINARY"}


async def test_available_with_a_car_does_not_end_a_transaction(house: Central) -> None:
    """An ordinary charge point that says the same has ended its transaction."""
    for identity, who in (("CAR", example("evbox-available")), ("ORDINARY", ORDINARY)):
        async with await house.charge_point(identity) as wire:
            await boot(wire, who)
            at = house.clock.now().isoformat()
            start = {"connectorId": 1, "idTag": identity, "meterStart": 1000, "timestamp": at}
            assert (await wire.result("StartTransaction", start))["transactionId"] > 0
            status = {
                "connectorId": 1,
                "status": "Available",
                "errorCode": "NoError",
                "info": "EV side disconnected",
                "timestamp": at,
            }
            assert await wire.result("StatusNotification", status) == {}
    for hours in (0, 2):
        later(house, hours=hours)
        await house.writer.run(partial(orphans.sweep, now=house.clock.now(), patience=Patience()))
    found = {one.charge_point: one.state for one in house.readers.run_now(transactions.page)}
    assert found == {"CAR": State.OPEN, "ORDINARY": State.PROVISIONALLY_CLOSED}
    number = {one.charge_point: one.transaction_id for one in house.readers.run_now(transactions.page)}["CAR"]
    await house.writer.run(partial(orphans.rejected_stop, "CAR", number, now=house.clock.now()))
    found = {one.charge_point: one.state for one in house.readers.run_now(transactions.page)}
    assert found["CAR"] is State.SUSPECT
