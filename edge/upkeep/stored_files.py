"""The diagnostics that charge points brought leave again: by age, and the oldest first when they take too much room."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from edge.clock import Clock
from edge.errors import StoreUnavailableError
from edge.store import file_exchange
from edge.store.file_exchange import Files, Purpose
from edge.store.readers import Readers
from edge.store.writer import Writer

EVERY_S = 600.0
ABANDONED_S = 86_400.0
"""Seconds after which half a file is nobody's any more."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """Keeps the files within their bounds."""

    files: Files
    readers: Readers
    writer: Writer
    clock: Clock

    async def run(self) -> None:
        """Tidy again and again, until cancelled."""
        while True:
            try:
                await self.tidy()
            except (StoreUnavailableError, OSError) as error:
                _log.warning("files_not_tidied", error=str(error))
            except Exception:  # noqa: BLE001 - the task border: the next look may do better
                _log.exception("files_not_tidied")
            await asyncio.sleep(EVERY_S)

    async def tidy(self) -> None:
        """Remove once what is too old or too much."""
        now = self.clock.now()
        old = await self.readers.run(partial(file_exchange.asked_before, at=now - self.files.keep_diagnostics))
        for one in old:
            await self.remove(one)
        kept = await self.readers.run(file_exchange.uploaded)
        total = sum(size for _, size in kept)
        for name, size in kept:  # oldest first
            if total <= self.files.diagnostics_quota:
                break
            await self.remove(name)
            _log.info("diagnostics_removed", diagnostics=name, why="quota")
            total -= size
        await asyncio.to_thread(_drop_halves, self.files.folder / Purpose.DIAGNOSTICS.value)

    async def remove(self, name: str) -> None:
        """Remove one: first what names it, then the file."""
        await self.writer.run(lambda tx: file_exchange.delete_diagnostics(tx.connection, name))
        await asyncio.to_thread(self.files.path(Purpose.DIAGNOSTICS, name).unlink, missing_ok=True)


def _drop_halves(folder: Path) -> None:
    """Remove what a crash left half-written."""
    for half in folder.glob("*.part"):
        if half.stat().st_mtime < time.time() - ABANDONED_S:
            half.unlink(missing_ok=True)
