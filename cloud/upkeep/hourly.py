"""The jobs that every replica does at its start and each hour; together they do each once."""

from __future__ import annotations

import asyncio

import structlog
from starlette.concurrency import run_in_threadpool

from cloud.clock import Clock
from cloud.db.database import Database
from cloud.db.partitions import make_ahead

EVERY_S = 3600.0

_log = structlog.stdlib.get_logger(__name__)


async def keep_up(database: Database, clock: Clock) -> None:
    """Do them until cancelled. What fails is tried again an hour later: there are months to spare."""
    while True:
        try:
            if made := await run_in_threadpool(make_ahead, database, clock()):
                _log.info("partitions made", partitions=made)
        except Exception:  # noqa: BLE001 - the task's border: a database that is away comes back
            _log.exception("partitions could not be made ahead")
        await asyncio.sleep(EVERY_S)
