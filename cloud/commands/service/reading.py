"""Commands as the API shows them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cloud.commands import repository
from cloud.commands.schemas import Command, CommandFilter, FollowedCommand, Key
from cloud.commands.service.expiring import expire_late
from cloud.commands.service.lifecycle import is_overdue
from cloud.db.database import Database, Unit
from cloud.db.paging import page_of
from cloud.errors import NotFoundError
from cloud.models.commands import CommandRow, CommandTransitionRow
from cloud.observability.redaction import hide
from contract.commands import CommandState
from contract.resources import Page


def commands(database: Database, wanted: CommandFilter, after: Key | None, limit: int, now: datetime) -> Page[Command]:
    """One page, newest first."""
    expire_late(database, now)
    with database.read() as unit:
        rows = repository.newest_first(unit, wanted, after, limit + 1)

    def item(row: CommandRow) -> Command:
        return Command.model_validate(_fields(row, now))

    return page_of(rows, limit, key=lambda row: (row.created_at, row.command), item=item)


def command(database: Database, identity: UUID, now: datetime) -> FollowedCommand:
    """One command and its whole way.

    Raises:
        NotFoundError: there is none.
    """
    with database.read() as unit:
        found = _followed(unit, identity, now)
    if found.state is CommandState.CREATED and found.deadline <= now and found.handed_out_at is None:
        expire_late(database, now)
        with database.read() as unit:
            found = _followed(unit, identity, now)
    return found


def missing(command: UUID) -> NotFoundError:
    """The error, with its hint."""
    return NotFoundError(f"There is no command {command}.", hint="GET /api/v1/commands lists all.")


def connected(database: Database, site: str) -> list[str]:
    """The identities connected at a site now, as far as it has told.

    Raises:
        UnknownSiteError: there is no such site.
    """
    with database.read() as unit:
        repository.require_site(unit, site)
        return list(repository.connected(unit, site))


def _followed(unit: Unit, identity: UUID, now: datetime) -> FollowedCommand:
    row = repository.one(unit, identity)
    if row is None:
        raise missing(identity)
    moves = [_transition(move) for move in repository.transitions(unit, row)]
    return FollowedCommand.model_validate(_fields(row, now) | {"transitions": moves})


def _fields(row: CommandRow, now: datetime) -> dict[str, object]:
    return {
        "command": row.command,
        "site": row.site_id,
        "charge_point": row.charge_point,
        "action": row.action,
        "payload": hide(row.payload),
        "state": row.state,
        "overdue": is_overdue(CommandState(row.state), row.deadline, row.handed_out_at, now),
        "requested_by": row.requested_by,
        "created_at": row.created_at,
        "deadline": row.deadline,
        "handed_out_at": row.handed_out_at,
        "cancel_requested_at": row.cancel_requested_at,
        "answer": hide(row.answer),
        "error": row.error,
        "effect": row.effect,
    }


def _transition(row: CommandTransitionRow) -> dict[str, object]:
    return {
        "state": row.state,
        "at": row.at,
        "received_at": row.received_at,
        "told_by": row.told_by,
        "applied": row.applied,
    }
