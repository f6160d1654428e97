"""Keeps the data volume from filling up: removes what may go, in order, and holds a reserve for when it does fill."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from contract.streams import Stream
from edge.clock import Clock
from edge.domain.disk_budget import RESTORE_BALLAST_BELOW, Pressure, pressure, used_fraction
from edge.domain.passed_time import passed_to, removal_time
from edge.errors import StoreUnavailableError
from edge.store import clocks, outgrown, retention
from edge.store.outgrown import Rule
from edge.store.readers import Readers
from edge.store.writer import Writer, WriteTx

A_DAY = timedelta(days=1)
BETWEEN_CLEARINGS_S = 3600.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long the site keeps what it no longer needs."""

    acknowledged: timedelta = timedelta(days=14)
    """Events that the cloud has: it may be restored from a backup, and then needs them again."""
    meter_values: timedelta = timedelta(days=365)
    """The local history of meter values."""
    history: timedelta = timedelta(days=365)
    """What is over: alarms, roll-outs, traces of changed transactions."""
    check_every_s: float = 60.0
    ballast_bytes: int = 32 * 1024 * 1024


class Housekeeper:
    """Looks at the disk from time to time.

    Args:
        writer: removals go through it in small slices.
        readers: tell how much of the database file is free inside.
        clock: says how old is old.
        path: the database file; its volume is the one that counts.
        keeping: how long things stay.
        used: the fraction of the volume that is taken, from 0 to 1; a test's own instead of the disk's.
    """

    def __init__(
        self,
        *,
        writer: Writer,
        readers: Readers,
        clock: Clock,
        path: Path,
        keeping: Keeping,
        used: Callable[[], float] | None = None,
    ) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._path = path
        self._ballast = path.with_name("ballast")
        self._keeping = keeping
        self._used = used or self._used_fraction
        self._shown = Pressure.CALM
        self._cleared_at_s: float | None = None
        self._looked_at_s: float | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self.tidy()
            except (StoreUnavailableError, sqlite3.Error, OSError) as error:
                _log.warning("housekeeping_failed", error=str(error))
            except Exception:  # noqa: BLE001 - the task border: its end would be the end of the process
                _log.exception("housekeeping_failed")
            await asyncio.sleep(self._keeping.check_every_s)

    async def tidy(self) -> None:
        """Look once, and remove what has to go now."""
        self._show(pressure(self._used()))
        await self._by_age()
        if self._used() < RESTORE_BALLAST_BELOW:
            self._make_ballast()
        while (step := pressure(self._used())) >= Pressure.THIN:
            if not await self._give_up_telemetry(step):
                return

    def release_ballast(self) -> None:
        """Give the reserve back, so that what is running can end: a commit has failed."""
        with suppress(OSError):
            self._ballast.unlink()
            _log.error("ballast_released", hint="The disk is full: make room on it; the reserve is made again then.")

    async def _by_age(self) -> None:
        now, step = self._clock.now(), pressure(self._used())
        surely = removal_time(await self._passed(now), now)
        for stream in Stream:
            before = surely - self._keeping.acknowledged
            if step >= Pressure.PRUNE_AFTER_A_DAY:
                before = max(before, now - A_DAY)
            if step >= Pressure.PRUNE_TELEMETRY and stream is not Stream.LEDGER:
                before = now
            in_need = step >= Pressure.PRUNE_AFTER_A_DAY
            await self._in_slices(partial(_prune, stream=stream, before=before, now=now, in_need=in_need))
        before = surely - self._keeping.meter_values
        if step >= Pressure.THIN:
            before = max(before, now - A_DAY * 30)
        if step >= Pressure.DROP:
            before = max(before, now - A_DAY)
        await self._in_slices(lambda tx: retention.prune_meter_values(tx.connection, before))
        await self._outgrown(surely)

    async def _passed(self, now: datetime) -> datetime:
        """Find and note how far time has certainly come since the last look; a clock that jumps makes nothing old."""
        boottime_s = self._clock.boottime()
        elapsed_s = 0.0 if self._looked_at_s is None else boottime_s - self._looked_at_s
        synchronised = self._clock.synced() and self._clock.machine_synchronised()

        def note(tx: WriteTx) -> datetime:
            known = clocks.read_passed(tx.connection)
            passed = passed_to(known, now, elapsed_s, synchronised=synchronised)
            clocks.write_passed(tx.connection, passed)
            return passed

        passed = await self._writer.run(note)
        self._looked_at_s = boottime_s
        return passed

    async def _outgrown(self, now: datetime) -> None:
        """Remove what nobody needs any more, once in a while: it is looked for in whole tables."""
        now_s = self._clock.monotonic()
        if self._cleared_at_s is not None and now_s - self._cleared_at_s < BETWEEN_CLEARINGS_S:
            return
        self._cleared_at_s = now_s
        for rule in outgrown.RULES:
            remove = partial(_clear, rule=rule, now=now, history=self._keeping.history)
            await self._in_slices(remove)

    async def _in_slices(self, remove: Callable[[WriteTx], int]) -> None:
        """Remove slice by slice; what charge points say comes in between."""
        removed = retention.SLICE
        while removed == retention.SLICE:
            removed = await self._writer.run(remove)

    async def _give_up_telemetry(self, step: Pressure) -> bool:
        """Thin, and when that is done and not enough, drop; tells whether there was anything."""
        if await self._writer.run(lambda tx: retention.thin_oldest(tx.connection, self._clock.now())):
            return True
        if step < Pressure.DROP:
            return False
        return await self._writer.run(lambda tx: retention.drop_oldest(tx.connection)) > 0

    def _used_fraction(self) -> float:
        volume = os.statvfs(self._path.parent)
        size, free, available = (n * volume.f_frsize for n in (volume.f_blocks, volume.f_bfree, volume.f_bavail))
        return used_fraction(size, free, available, self._readers.run_now(_free_inside))

    def _make_ballast(self) -> None:
        if self._ballast.exists() or not self._keeping.ballast_bytes:
            return
        volume = os.statvfs(self._path.parent)
        if volume.f_bavail * volume.f_frsize < 4 * self._keeping.ballast_bytes:
            return
        descriptor = os.open(self._ballast, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._keeping.ballast_bytes)
        finally:
            os.close(descriptor)

    def _show(self, step: Pressure) -> None:
        if step is not self._shown:
            log = _log.info if step < self._shown else _log.warning
            log("disk_pressure_changed", step=step.name.lower(), before=self._shown.name.lower())
            self._shown = step


def _prune(tx: WriteTx, stream: Stream, before: datetime, now: datetime, *, in_need: bool) -> int:
    return retention.prune_acknowledged(tx.connection, stream, before, now, in_need=in_need)


def _clear(tx: WriteTx, rule: Rule, now: datetime, history: timedelta) -> int:
    return outgrown.prune(tx.connection, rule, now, history)


def _free_inside(connection: sqlite3.Connection) -> int:
    pages = connection.execute("PRAGMA freelist_count").fetchone()[0]
    return int(pages * connection.execute("PRAGMA page_size").fetchone()[0])
