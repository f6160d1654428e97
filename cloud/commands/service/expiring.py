"""Commands that nobody will start any more."""

from __future__ import annotations

from datetime import datetime

from cloud.commands import repository
from cloud.commands.service.waking import ring
from cloud.db.database import Database, Unit
from cloud.models.commands import CommandRow
from contract.commands import CommandState

_AT_ONCE = 500


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
    """Expire all that were never handed out and are late; the number of them. Run it every few seconds."""
    with database.read() as unit:
        late = repository.never_handed_out_and_late(unit, now, _AT_ONCE)
    count = 0
    for site, command in late:
        with database.write() as unit:
            repository.lock_site(unit, site)
            row = repository.of_site(unit, site, command)
            count += row is not None and expire_if_late(unit, row, now)
    return count
