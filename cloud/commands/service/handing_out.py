"""The edge pulls: what is above the highest number that it has stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cloud.commands import repository
from cloud.commands.repository import Standing
from cloud.commands.service.expiring import expire
from cloud.commands.service.lifecycle import is_lost
from cloud.db.database import Database, Unit
from cloud.errors import EdgeLockedError, EpochError
from cloud.models.commands import CommandItemRow, CommandRow
from contract.commands import CommandState
from contract.link import CommandItem, CommandItemKind, CommandsAnswer

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """What an edge says when it asks for items."""

    edge: str
    after: int
    """The highest number that it has stored."""
    epoch: int | None = None
    """That it speaks under; `None`: it does not say (an older release)."""
    last: UUID | None = None
    """The command of item `after`; `None`: it does not say."""


def pull(database: Database, asked: Asked, now: datetime) -> CommandsAnswer:
    """The items above `asked.after`, oldest first, and note that they were handed out.

    Args:
        database: where everything is.
        asked: who asks, and for what.
        now: the time.

    Raises:
        EdgeLockedError: two edges speak for this site.
        EpochError: it speaks under another epoch than the present one: only one life of an edge is given commands. Or
            it has a number that was never given, or given to another command: this database was restored from a backup.
    """
    with database.read() as unit:
        standing = repository.standing(unit, asked.edge, asked.after)
        _require_one_of_us(standing, asked)
        directory = repository.directory_versions(unit, asked.edge)
    items = _hand_out(database, asked, now) if standing.has_items else []
    return CommandsAnswer(incarnation=standing.incarnation, server_time=now, items=items, directory=directory)


def _require_one_of_us(standing: Standing, asked: Asked) -> None:
    after, epoch = asked.after, asked.epoch
    if standing.locked_why is not None:
        hint = "Nothing is handed out until an operator chose the edge that goes on."
        raise EdgeLockedError(standing.locked_why, hint=hint)
    if epoch not in {None, standing.epoch}:
        raise EpochError(
            f"Epoch {epoch} is over; this site speaks under {standing.epoch}.",
            hint="Greet again.",
            epoch=standing.epoch,
        )
    if after > standing.given:
        raise EpochError(f"Command number {after} was never given; {standing.given} was the last.", hint="Greet again.")
    if asked.last is not None and standing.command not in {None, asked.last}:
        raise EpochError(f"Command number {after} was given to another command.", hint="Greet again.")


def _hand_out(database: Database, asked: Asked, now: datetime) -> list[CommandItem]:
    with database.write() as unit:
        repository.lock_site(unit, asked.edge)
        _require_one_of_us(
            repository.standing(unit, asked.edge, asked.after), asked
        )  # under the lock that an edge which begins anew takes, too
        found = repository.items(unit, asked.edge, asked.after, _AT_ONCE)
        return [_item(item, row, now) for item, row in found if _is_due(unit, item, row, now)]


def _is_due(unit: Unit, item: CommandItemRow, row: CommandRow, now: datetime) -> bool:
    if item.kind == CommandItemKind.CANCEL:
        return True
    if is_lost(CommandState(row.state), row.deadline, now):
        expire(unit, row, now)
    if row.deadline <= now:
        return False
    row.handed_out_at = row.handed_out_at or now
    return True


def _item(item: CommandItemRow, row: CommandRow, now: datetime) -> CommandItem:
    return CommandItem(
        number=item.number,
        kind=CommandItemKind(item.kind),
        command=row.command,
        action=row.action,
        charge_point=row.charge_point,
        payload=row.payload,
        remaining_s=max(0.0, (row.deadline - now).total_seconds()),
        requested_by=row.requested_by,
    )
