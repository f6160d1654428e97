"""The jobs that every replica does at its start and each hour; together they do each once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog
from starlette.concurrency import run_in_threadpool

EVERY_S = 3600.0

Job = Callable[[], object]
"""Does what is due, harmless when repeated, and tells what it did; what is false: nothing."""

_log = structlog.stdlib.get_logger(__name__)


async def keep_up(jobs: Mapping[str, Job]) -> None:
    """Do the jobs in turn until cancelled. One that fails holds up no other, and is tried again an hour later."""
    while True:
        for name, job in jobs.items():
            try:
                if done := await run_in_threadpool(job):
                    _log.info("upkeep", job=name, done=done)
            except Exception:  # noqa: BLE001 - the job's border: a database that is away comes back
                _log.exception("upkeep failed", job=name)
        await asyncio.sleep(EVERY_S)
