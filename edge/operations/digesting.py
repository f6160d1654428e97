"""Tells the cloud how each day stands, so that both can see whether they hold the same transactions."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta

import structlog

from edge.clock import Clock
from edge.errors import StoreUnavailableError
from edge.store import digests
from edge.store.readers import Readers
from edge.store.writer import Writer

EVERY_S = 300.0
RECENT = timedelta(days=60)
"""Late stops of charge points that were away change days of the past; older ones are looked at once per start."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Digesting:
    """Looks at the days again and again, and tells of those that have changed."""

    writer: Writer
    readers: Readers
    clock: Clock
    every_s: float = EVERY_S

    async def run(self) -> None:
        """Work until cancelled."""
        since: date | None = None
        while True:
            try:
                await self.look(since)
                since = self.clock.now().date() - RECENT
            except (StoreUnavailableError, sqlite3.Error) as error:
                _log.warning("days_not_digested", error=str(error))
            except Exception:  # noqa: BLE001 - the task border: its end would be the end of the process
                _log.exception("days_not_digested")
            await asyncio.sleep(self.every_s)

    async def look(self, since: date | None) -> None:
        """Tell of the days that have changed; each is a read and a write of its own, so that nobody waits for it."""
        for day in await self.readers.run(lambda connection: digests.days(connection, since)):
            await self._look_at(day)

    async def _look_at(self, day: date) -> None:
        told = await self.readers.run(lambda connection: digests.changed(connection, day))
        if told is not None:
            now = self.clock.now()
            await self.writer.run(lambda tx: digests.tell(tx, told, now))
