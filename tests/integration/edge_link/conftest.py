from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contract.commands import CommandState
from contract.events import ChargePointConnected, EventData, MeterValuesSampled, SecurityEventRecorded
from contract.streams import Stream
from edge.clock import Clock
from edge.relay.relay import Perform, Relay
from edge.store import commands, outbox
from edge.store.database import connect
from edge.store.migrations import migrate
from edge.store.readers import Readers
from edge.store.writer import Writer
from edge.sync.backoff import Pace
from edge.sync.https import HttpsCarrier
from edge.sync.proof import SharedSecret
from edge.sync.pushing import Edge, Turns
from edge.sync.syncer import Syncer
from tests.integration.edge_link.cloud_server import SECRET, CloudServer
from tests.integration.edge_link.real_cloud import RealCloud

QUICK = Pace(first_s=0.05, longest_s=0.2, slow_s=0.3, linger_s=0.05)


class ShiftedClock(Clock):
    """The machine's clocks, moved by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.shift_s = 0.0

    def boottime(self) -> float:
        return super().boottime() + self.shift_s


def an_event(stream: Stream, n: int) -> EventData:
    match stream:
        case Stream.LEDGER:
            return SecurityEventRecorded(kind="test", detail=f"number {n}")
        case Stream.STATE:
            return ChargePointConnected(charge_point=f"CP-{n}", remote_address="127.0.0.1")
        case _:
            return MeterValuesSampled(charge_point=f"CP-{n}", connector_id=1, values=[])


@dataclass
class Site:
    """An edge's store with its link and its relay."""

    path: Path
    writer: Writer
    readers: Readers
    clock: ShiftedClock
    syncer: Syncer | None = None
    relay: Relay | None = None
    recorded: int = field(default=0)

    def on_events(self) -> None:
        if self.syncer is not None:
            self.syncer.wake()

    async def record(self, stream: Stream, count: int = 1) -> None:
        first = self.recorded
        self.recorded += count

        def write(tx: Any) -> None:
            for n in range(first, first + count):
                tx.emit(an_event(stream, n), subject="edge", occurred_at=datetime.now(UTC))

        await self.writer.run(write)

    def events(self, stream: Stream) -> list[bytes]:
        rows = self.readers.run_now(lambda c: outbox.read_after(c, stream, 0, limit=10**6, max_bytes=10**9))
        return [row.event for row in rows]

    def acknowledged(self, stream: Stream) -> int:
        return self.readers.run_now(outbox.heads)[stream].acknowledged

    def in_state(self, state: CommandState) -> int:
        return len(self.readers.run_now(lambda c: commands.in_state(c, state)))

    @asynccontextmanager
    async def link(self, url: str, *, timeout_s: float = 5.0, secret: str = SECRET) -> AsyncIterator[Syncer]:
        """Run the syncer for a while; leaving is a crash of the process as far as the store can tell."""
        carrier = HttpsCarrier(base_url=url, edge="north", proof=SharedSecret(secret), timeout_s=timeout_s)
        self.syncer = Syncer(
            edge=Edge("north", "0.1.0"),
            writer=self.writer,
            readers=self.readers,
            clock=self.clock,
            carrier=carrier,
            on_commands=lambda: None if self.relay is None else self.relay.wake(),
            turns=Turns() if self.relay is None else Turns(self.relay.forsake, self.relay.go_on),
            pace=QUICK,
            wait_s=2.0,
        )
        try:
            async with running(self.syncer.run()):
                yield self.syncer
        finally:
            self.syncer = None
            await carrier.close()

    @asynccontextmanager
    async def relaying(
        self, perform: Perform, *, patience_s: float = 0.2, agreed: bool = True, offline_patience_s: float = 60.0
    ) -> AsyncIterator[Relay]:
        """Run the relay for a while. `agreed`: this life goes on, as a greeting would tell."""
        self.relay = Relay(
            writer=self.writer,
            readers=self.readers,
            clock=self.clock,
            perform=perform,
            patience_s=patience_s,
            store_retry_s=0.05,
            offline_patience_s=offline_patience_s,
        )
        if agreed:
            self.relay.go_on()
        async with running(self.relay.run()):
            yield self.relay
        self.relay = None


@asynccontextmanager
async def running(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool], *, within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Site]:
    """Open a store, made when it is missing; leaving is a stop of the edge."""
    migrate(path)
    clock = ShiftedClock()
    connection = connect(path)
    readers = Readers(path)
    site = Site(path, Writer(connection, clock), readers, clock)
    site.writer._on_events = site.on_events
    async with running(site.writer.work()):
        yield site
    readers.close()
    connection.close()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with opened(tmp_path / "edge.db") as site:
        yield site


@pytest.fixture
async def cloud() -> AsyncIterator[CloudServer]:
    async with CloudServer().serving() as server:
        yield server


@pytest.fixture
def real_cloud(tmp_path: Path) -> RealCloud:
    return RealCloud(tmp_path)
