"""Commands that nobody will start any more."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog
from starlette.concurrency import run_in_threadpool

from cloud.clock import Clock
from cloud.commands import repository
from cloud.commands.service.waking import ring
from cloud.db.database import Database, Unit
from cloud.models.commands import CommandRow
from contract.commands import CommandState

_AT_ONCE = 500
_EVERY_S = 5

_log = structlog.stdlib.get_logger(__name__)


def expire(unit: Unit, row: CommandRow, now: datetime) -> None:
    """Note that a command's time ran out before it reached its edge. The site must be locked."""
    row.state, row.guessed = CommandState.EXPIRED.value, True
    repository.add_transition(unit, row, CommandState.EXPIRED, at=row.deadline, received_at=now)
    ring(unit, row)


def expire_if_late(unit: Unit, row: CommandRow, now: datetime) -> bool:
    """Expire a command that was never handed out and is late. The site must be locked."""
    late = row.state == CommandState.CREATED.value and row.handed_out_at is None and row.deadline <= now
    if late:
        expire(unit, row, now)
    return late


def expire_late(database: Database, now: datetime) -> int:
    """Expire all that were never handed out and are late; the number of them."""
    with database.read() as unit:
        late = repository.never_handed_out_and_late(unit, now, _AT_ONCE)
    count = 0
    for site, command in late:
        with database.write() as unit:
            repository.lock_site(unit, site)
            row = repository.of_site(unit, site, command)
            count += row is not None and expire_if_late(unit, row, now)
    return count


async def expire_for_ever(database: Database, clock: Clock) -> None:
    """Expire what is late every few seconds, until cancelled."""
    while True:
        await asyncio.sleep(_EVERY_S)
        try:
            await run_in_threadpool(expire_late, database, clock())
        except Exception:  # noqa: BLE001 - the task's border: a database that is away comes back
            _log.exception("late commands could not be expired")
