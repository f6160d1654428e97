"""What stands still becomes an alarm, once, which ends by itself; and clocks that jump: K98, K99."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from contract.link import StreamHead
from contract.streams import Stream
from edge.clock import Clock
from edge.domain.configuration import Entry
from edge.domain.watching import Limits
from edge.operations.watch import Watch
from edge.store import configurations, outbox
from edge.store.alarms import Alarm
from edge.store.writer import WriteTx
from tests.harness.central import Central, central


class JumpingClock(Clock):
    """The machine's wall clock, with steps as a time server makes them. The monotonic one goes on as ever."""

    def __init__(self) -> None:
        super().__init__()
        self.step = timedelta()

    def now(self) -> datetime:
        return super().now() + self.step


class Later(JumpingClock):
    """Also the monotonic clock may be moved on, for what takes long."""

    further_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.further_s

    def pass_on(self, **by: float) -> None:
        self.step += timedelta(**by)
        self.further_s += timedelta(**by).total_seconds()


class Site:
    def __init__(self, house: Central, clock: Later) -> None:
        self.house = house
        self.clock = clock
        self.link_up = True
        self.watch = Watch(house.writer, clock, house.system.registry.connected, lambda: self.link_up, Limits())

    async def look(self, kind: str) -> list[Alarm]:
        """Look twice, so that a second alarm would show."""
        await self.watch.look()
        await self.watch.look()
        return self.house.alarms(kind)


def acknowledged(tx: WriteTx, stream: Stream, head: StreamHead) -> None:
    outbox.acknowledge(tx.connection, stream, head.head, bytes.fromhex(head.hash))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    clock = Later()
    async with central(tmp_path, clock=clock) as house:
        yield Site(house, clock)


async def test_k98_one_that_is_absent_for_a_day_raises_one_alarm_until_it_comes_back(site: Site) -> None:
    at = await site.house.charge_point("K98")
    async with at as wire:
        await wire.boot()
        site.clock.pass_on(hours=25)
        assert await site.look("ChargePointAbsent") == []  # it is connected
    await site.house.until(lambda: not site.house.connected("K98"))
    await site.house.writer.run(lambda _: None)  # its leaving is recorded
    assert await site.look("ChargePointAbsent") == []
    site.clock.pass_on(hours=25)
    (alarm,) = await site.look("ChargePointAbsent")
    assert (alarm.charge_point, alarm.cleared_at) == ("K98", None)
    async with await site.house.charge_point("K98") as wire:
        await wire.boot()
        (alarm,) = await site.look("ChargePointAbsent")
        assert alarm.cleared_at is not None


async def test_k98_a_queue_that_stands_still_while_the_link_is_up_raises_one_alarm(site: Site) -> None:
    async with await site.house.charge_point("K98-queue") as wire:
        await wire.boot()  # events that nobody fetches
        await site.look("QueueStuck")
        site.link_up = False
        site.clock.pass_on(hours=3)
        assert await site.look("QueueStuck") == []  # waiting for a link is what an outbox is for
        site.link_up = True
        await site.look("QueueStuck")
        site.clock.pass_on(minutes=16)
        (alarm,) = await site.look("QueueStuck")
        assert (alarm.charge_point, alarm.cleared_at) == ("", None)
        for stream, head in site.house.readers.run_now(outbox.heads).items():
            await site.house.writer.run(partial(acknowledged, stream=stream, head=head))
        (alarm,) = await site.look("QueueStuck")
        assert alarm.cleared_at is not None


async def test_k98_a_charge_point_that_can_be_steered_less_than_before_raises_one_alarm(site: Site) -> None:
    await site.house.door("K98-class")

    async def tells(profiles: str) -> list[Alarm]:
        entry = Entry("SupportedFeatureProfiles", profiles, readonly=True)
        now = site.clock.now()
        await site.house.writer.run(lambda tx: configurations.report(tx.connection, "K98-class", [entry], now))
        return await site.look("ChargingClassDowngraded")

    assert await tells("Core,SmartCharging") == []
    (alarm,) = await tells("Core")
    assert (alarm.charge_point, alarm.cleared_at) == ("K98-class", None)
    (alarm,) = await tells("Core, SmartCharging")
    assert alarm.cleared_at is not None


async def test_k98_a_clock_that_is_wrong_raises_one_alarm_until_it_is_right(site: Site) -> None:
    async with await site.house.charge_point("K98-clock") as wire:
        await wire.boot()

        async def report(**off: float) -> None:
            at = (site.clock.now() + timedelta(**off)).isoformat()
            status = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": at}
            assert (await wire.call("StatusNotification", status))[0] == 3

        for _ in range(8):
            await report(minutes=40)
            site.clock.pass_on(minutes=2)
        (alarm,) = site.house.alarms("ClockSuspect")
        assert alarm.cleared_at is None
        for _ in range(8):
            await report()
            site.clock.pass_on(minutes=2)
        (alarm,) = site.house.alarms("ClockSuspect")
        assert alarm.cleared_at is not None


@pytest.mark.parametrize("hours", [1, -1])
async def test_k99_a_step_of_the_wall_clock_breaks_no_time_out_and_no_connection(tmp_path: Path, hours: int) -> None:
    clock = JumpingClock()
    running = central(tmp_path, clock=clock, ping_interval_s=0.5, call_timeout_s=1.0)
    async with running as house, await house.charge_point("K99") as wire:
        await wire.boot()
        asking = asyncio.create_task(house.system.registry.call("K99", "ClearCache", {}))
        call = await wire.frame()
        clock.step = timedelta(hours=hours)
        await wire.websocket.send(f'[3,"{call[1]}",{{"status":"Accepted"}}]')
        assert await asking == {"status": "Accepted"}  # neither too early nor an hour late
        silent = asyncio.create_task(house.system.registry.call("K99", "ClearCache", {}))
        await wire.frame()
        with pytest.raises(Exception, match="did not answer"):
            await silent
        for _ in range(3):
            await asyncio.sleep(0.5)
            assert (await wire.call("Heartbeat", {}))[0] == 3
        assert house.connected("K99")


@pytest.mark.parametrize("hours", [1, -1])
async def test_k99_events_keep_their_order_over_a_step_of_the_wall_clock(tmp_path: Path, hours: int) -> None:
    clock = JumpingClock()
    async with central(tmp_path, clock=clock) as house, await house.charge_point("K99") as wire:
        await wire.boot()
        before = house.readers.run_now(outbox.heads)
        clock.step = timedelta(hours=hours)
        await wire.boot()
        after = house.readers.run_now(outbox.heads)
        assert all(after[stream].head >= head.head for stream, head in before.items())
        assert sum(head.head for head in after.values()) > sum(head.head for head in before.values())
