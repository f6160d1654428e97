"""Cuts the link on purpose: stands in front of the carrier, and counts what happens meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog

from contract.directory import DirectoryRequest
from contract.link import Greeting, StreamHead
from contract.live import LiveNews
from contract.streams import Stream
from edge.clock import Clock
from edge.domain.drill import Drill
from edge.store import outbox, transactions
from edge.store.readers import Readers
from edge.sync.carrier import (
    Carrier,
    DirectoryOutcome,
    GreetOutcome,
    LiveOutcome,
    PullOutcome,
    PushOutcome,
    Unavailable,
)
from edge.sync.packing import Packed

LOOK_S = 0.5
"""From one look whether the outbox is drained to the next."""

CUT = Unavailable("The link is cut on purpose: an outage drill is running.")

Outcome = TypeVar("Outcome")
Heads = dict[Stream, StreamHead]

_log = structlog.get_logger()


@dataclass(slots=True)
class _Progress:
    began_at: datetime
    until: datetime
    began: Heads
    ended_at: datetime | None = None
    ended: Heads | None = None
    drained_at: datetime | None = None


class DrilledCarrier:
    """A carrier that can be cut. A restart of the edge makes it whole.

    Args:
        carrier: the real one.
        readers: for counting.
        clock: the edge's.
    """

    def __init__(self, carrier: Carrier, readers: Readers, clock: Clock) -> None:
        self._carrier = carrier
        self._readers = readers
        self._clock = clock
        self._cut = asyncio.Event()
        self._mend = asyncio.Event()
        self._progress: _Progress | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_cut(self) -> bool:
        """Whether a drill is running."""
        return self._cut.is_set()

    async def begin(self, for_s: float) -> None:
        """Cut the link for so many seconds; exchanges under way come to nothing."""
        now = self._clock.now()
        began = await self._readers.run(outbox.heads)
        await self._stop()  # first: the end of a drill makes the link whole
        self._progress = _Progress(now, now + timedelta(seconds=for_s), began)
        self._cut.set()
        self._mend.clear()
        _log.warning("outage_drill_began", for_s=for_s)
        self._task = asyncio.create_task(self._see_through(self._progress, for_s), name="outage drill")

    def end(self) -> None:
        """Make the link whole before the time; harmless when it is."""
        self._mend.set()

    async def report(self) -> Drill | None:
        """Tell how the newest drill goes, or went; `None`: there was none since the start."""
        progress = self._progress
        if progress is None:
            return None
        return await self._readers.run(lambda connection: self._count(connection, progress))

    async def greet(self, greeting: Greeting) -> GreetOutcome:
        """See `Carrier.greet`."""
        return await self._unless_cut(self._carrier.greet(greeting))

    async def push(self, batch: Packed) -> PushOutcome:
        """See `Carrier.push`."""
        return await self._unless_cut(self._carrier.push(batch))

    async def pull_commands(
        self,
        after: int,
        *,
        wait_s: float,
        directory: int | None = None,
        epoch: int | None = None,
        last: UUID | None = None,
    ) -> PullOutcome:
        """See `Carrier.pull_commands`."""
        return await self._unless_cut(
            self._carrier.pull_commands(after, wait_s=wait_s, directory=directory, epoch=epoch, last=last)
        )

    async def pull_directory(self, request: DirectoryRequest) -> DirectoryOutcome:
        """See `Carrier.pull_directory`."""
        return await self._unless_cut(self._carrier.pull_directory(request))

    async def tell_live(self, news: LiveNews) -> LiveOutcome:
        """See `Carrier.tell_live`."""
        return await self._unless_cut(self._carrier.tell_live(news))

    async def close(self) -> None:
        """See `Carrier.close`."""
        await self._stop()
        await self._carrier.close()

    async def _unless_cut(self, exchange: Coroutine[Any, Any, Outcome]) -> Outcome | Unavailable:
        if self.is_cut:  # before it begins: a carrier may send at once
            exchange.close()
            return CUT
        asked, cut = asyncio.ensure_future(exchange), asyncio.ensure_future(self._cut.wait())
        try:
            await asyncio.wait({asked, cut}, return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() and not self.is_cut else CUT
        finally:
            cut.cancel()
            asked.cancel()
            await asyncio.gather(asked, cut, return_exceptions=True)

    async def _see_through(self, progress: _Progress, for_s: float) -> None:
        try:
            async with asyncio.timeout(for_s):
                await self._mend.wait()
        except TimeoutError:
            pass
        try:
            ended = await self._heads()
        finally:  # whatever happens: nobody else makes the link whole
            progress.ended_at = self._clock.now()
            self._cut.clear()
            _log.warning("outage_drill_ended")
        while ended is None:  # counted as soon as the store can be read
            await asyncio.sleep(LOOK_S)
            ended = await self._heads()
        progress.ended = ended
        while (now := await self._heads()) is None or not _is_drained(ended, now):  # noqa: ASYNC110 - no bell
            await asyncio.sleep(LOOK_S)
        progress.drained_at = self._clock.now()
        _log.info("outage_drill_drained", drained_s=(progress.drained_at - progress.ended_at).total_seconds())

    async def _heads(self) -> Heads | None:
        """Read the outbox's heads; `None`: the store cannot be read at present."""
        try:
            return await self._readers.run(outbox.heads)
        except sqlite3.Error as error:
            _log.warning("outage_drill_cannot_look", error=str(error))
            return None

    async def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _count(self, connection: sqlite3.Connection, progress: _Progress) -> Drill:
        heads = outbox.heads(connection)
        ended = progress.ended or heads
        started, stopped = transactions.told_between(
            connection, progress.began_at, progress.ended_at or self._clock.now()
        )
        drained = progress.drained_at
        return Drill(
            began_at=progress.began_at,
            until=progress.until,
            ended_at=progress.ended_at,
            drained_at=drained,
            events={stream: head.head - progress.began[stream].head for stream, head in ended.items()},
            waiting=sum(head.head - head.acknowledged for head in heads.values()),
            transactions_started=started,
            transactions_stopped=stopped,
            drained_s=None
            if drained is None or progress.ended_at is None
            else (drained - progress.ended_at).total_seconds(),
        )


def _is_drained(ended: Heads, now: Heads) -> bool:
    return all(now[stream].acknowledged >= head.head for stream, head in ended.items())
