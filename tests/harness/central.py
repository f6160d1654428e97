"""A central system in this process, on a real database: for intervals that no setting allows, and clocks that jump."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edge.central_system.connection import Desk
from edge.central_system.server import CentralSystem, Listener
from edge.central_system.station_security import Door
from edge.clock import Clock
from edge.domain.policy import Policy
from edge.domain.registration import Registration, UnknownChargePoints
from edge.store import alarms, charge_points, enrolment
from edge.store.alarms import Alarm
from edge.store.database import connect
from edge.store.journal_writer import Record
from edge.store.migrations import migrate
from edge.store.readers import Readers
from edge.store.writer import Writer, WriteTx
from tests.harness.wire import Wire, basic, wired

Result = TypeVar("Result")
SOON_S = 30.0


@dataclass
class Central:
    """A running central system."""

    system: CentralSystem
    writer: Writer
    readers: Readers
    clock: Clock

    async def door(self, identity: str) -> tuple[str, dict[str, str]]:
        """Make a charge point known as Accepted; returns where and with which header it comes in."""
        key = bytes(range(20))

        def add(tx: WriteTx) -> None:
            charge_points.put(tx.connection, identity, Registration.ACCEPTED, self.clock.now())
            enrolment.replace_key(tx.connection, identity, key, bytes)

        await self.writer.run(add)
        return f"ws://127.0.0.1:{self.system.port}/{identity}", basic(identity, key)

    async def charge_point(self, identity: str) -> AbstractAsyncContextManager[Wire]:
        """Make a charge point known; connects with `async with`."""
        return wired(*await self.door(identity))

    def connected(self, identity: str) -> bool:
        return identity in self.system.registry.connected()

    def alarms(self, kind: str) -> list[Alarm]:
        """The alarms of a kind, newest first."""
        return [alarm for alarm in self.readers.run_now(alarms.page) if alarm.kind == kind]

    async def until(self, condition: Callable[[], bool], within_s: float = SOON_S) -> None:
        """Wait for something that comes by itself."""
        async with asyncio.timeout(within_s):
            while not condition():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def central(
    folder: Path,
    *,
    clock: Clock | None = None,
    ping_interval_s: float = 30.0,
    heartbeat_interval_s: int = 300,
    call_timeout_s: float = 30.0,
    refresh_s: float = 5.0,
    record: Record = lambda *_: None,
) -> AsyncIterator[Central]:
    """Run a central system in `folder`."""
    path, clock = folder / "edge.db", clock or Clock()
    migrate(path)
    connection, readers = connect(path, synchronous="OFF"), Readers(path)
    writer = Writer(connection, clock)
    policy = Policy(heartbeat_interval_s=heartbeat_interval_s)
    desk = Desk(writer, clock, policy, call_timeout_s=call_timeout_s, settle_s=0, refresh_s=refresh_s, record=record)
    listener = Listener("127.0.0.1", 0, ping_interval_s=ping_interval_s, heartbeat_interval_s=heartbeat_interval_s)
    system = CentralSystem(listener, Door(UnknownChargePoints.REFUSE), desk, readers)
    working = asyncio.create_task(writer.work())
    await system.open()
    patrolling = asyncio.create_task(system.patrol())
    try:
        yield Central(system, writer, readers, clock)
    finally:
        patrolling.cancel()
        await system.close()
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        readers.close()
        connection.close()
