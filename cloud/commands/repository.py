"""The SQL of commands. Whoever changes one holds its site's row lock, so that all take locks in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from uuid_utils.compat import uuid7

from cloud.commands.schemas import CommandFilter, Key
from cloud.db.database import Unit
from cloud.errors import UnknownSiteError
from cloud.models.charging import ChargePointRow
from cloud.models.commands import CommandItemRow, CommandRow, CommandTransitionRow
from cloud.models.published import PublishedSetRow
from cloud.models.sites import EdgeRow, SiteRow, incarnation_for
from contract.commands import FINAL_STATES, CommandState
from contract.link import CommandItemKind

_FINAL = sorted(FINAL_STATES)


def lock_site(unit: Unit, site: str) -> SiteRow:
    """The site's row, locked.

    Raises:
        UnknownSiteError: there is none.
    """
    row = unit.scalar(select(SiteRow).where(SiteRow.site_id == site).with_for_update(key_share=True))
    if row is None:
        raise unknown_site(site)
    return row


def require_site(unit: Unit, site: str) -> None:
    """Return when there is such a site.

    Raises:
        UnknownSiteError: there is none.
    """
    if unit.get(SiteRow, site) is None:
        raise unknown_site(site)


def unknown_site(site: str) -> UnknownSiteError:
    """The error, with its hint."""
    return UnknownSiteError(f"There is no site {site}.", hint="GET /api/v1/sites lists all.")


def is_known(unit: Unit, site: str, charge_point: str) -> bool:
    """Whether the site has told of that charge point."""
    return unit.get(ChargePointRow, (site, charge_point)) is not None


def connected(unit: Unit, site: str) -> Sequence[str]:
    """The identities connected now, as far as the site has told."""
    row = ChargePointRow
    query = select(row.charge_point).where(row.site_id == site, row.connected)
    return unit.scalars(query.order_by(row.charge_point)).all()


def incarnation(unit: Unit, site: str) -> UUID:
    """Which cloud database this is to the edge of a site."""
    return unit.scalars(incarnation_for(site)).one()


def directory_versions(unit: Unit, site: str) -> dict[str, int]:
    """The versions of the site's directory, by set."""
    row = PublishedSetRow
    found = unit.execute(select(row.set, row.version).where(row.site_id == site))
    return {str(name): int(version) for name, version in found}


def standing(unit: Unit, site: str) -> tuple[str | None, int, int]:
    """Why the site's edge is locked (`None`: it is not), the last number of its command sequence, and its epoch."""
    query = select(EdgeRow.locked_at, EdgeRow.locked_why, SiteRow.last_command_number, EdgeRow.epoch)
    found = unit.execute(query.join(SiteRow, SiteRow.site_id == EdgeRow.site_id).where(EdgeRow.site_id == site))
    locked_at, why, number, epoch = found.one_or_none() or (None, None, 0, 1)
    return None if locked_at is None else why or "This edge is locked.", number, epoch


def marks(unit: Unit, sites: Sequence[str]) -> dict[str, tuple[int, int, bool, int]]:
    """What changes when there is news for a site's edge: last command number, epoch, locked or not, directory."""
    versions = select(func.coalesce(func.sum(PublishedSetRow.version), 0))
    directory = versions.where(PublishedSetRow.site_id == EdgeRow.site_id).scalar_subquery()
    query = select(EdgeRow.site_id, SiteRow.last_command_number, EdgeRow.epoch, EdgeRow.locked_at, directory)
    found = unit.execute(query.join(SiteRow, SiteRow.site_id == EdgeRow.site_id).where(EdgeRow.site_id.in_(sites)))
    return {site: (number, epoch, locked is not None, int(sum_)) for site, number, epoch, locked, sum_ in found}


def command_of(unit: Unit, site: str, number: int) -> UUID | None:
    """The command of an item; `None`: there is no such item, or none any more."""
    item = unit.get(CommandItemRow, (site, number))
    return None if item is None else item.command


def add_item(unit: Unit, site: SiteRow, kind: CommandItemKind, command: UUID) -> None:
    """Give the next number of the site's sequence. `site` must be locked."""
    site.last_command_number += 1
    unit.flush()
    unit.add(CommandItemRow(site_id=site.site_id, number=site.last_command_number, kind=kind.value, command=command))
    unit.flush()


def add_transition(
    unit: Unit,
    row: CommandRow,
    state: CommandState,
    *,
    at: datetime,
    received_at: datetime,
    applied: bool = True,
    event: UUID | None = None,
) -> None:
    """Note a move, once. `event`: the edge's word; `None`: the cloud's own decision. The site must be locked."""
    if event and unit.get(CommandTransitionRow, (row.site_id, row.command, event)):
        return
    row.moves += 1
    unit.add(
        CommandTransitionRow(
            site_id=row.site_id,
            command=row.command,
            transition=event or uuid7(),
            ordinal=row.moves,
            state=state.value,
            at=at,
            received_at=received_at,
            told_by="edge" if event else "cloud",
            applied=applied,
        )
    )
    unit.flush()


def one(unit: Unit, command: UUID) -> CommandRow | None:
    """A command of any site."""
    return unit.scalar(select(CommandRow).where(CommandRow.command == command).limit(1))


def of_site(unit: Unit, site: str, command: UUID) -> CommandRow | None:
    """A command of one site, read anew."""
    return unit.get(CommandRow, (site, command), populate_existing=True)


def transitions(unit: Unit, command: CommandRow) -> Sequence[CommandTransitionRow]:
    """All moves, in the order in which the cloud learned of them."""
    row = CommandTransitionRow
    query = select(row).where(row.site_id == command.site_id, row.command == command.command)
    return unit.scalars(query.order_by(row.ordinal)).all()


def newest_first(unit: Unit, wanted: CommandFilter, after: Key | None, limit: int) -> Sequence[CommandRow]:
    """Up to `limit` commands behind the key `after`."""
    row = CommandRow
    query = select(row)
    for column, value in (
        (row.site_id, wanted.site),
        (row.charge_point, wanted.charge_point),
        (row.state, wanted.state),
    ):
        if value is not None:
            query = query.where(column == value)
    key = (row.created_at, row.command)
    if after is not None:
        query = query.where(tuple_(*key) < tuple_(*after, types=[column.type for column in key]))
    return unit.scalars(query.order_by(*(column.desc() for column in key)).limit(limit)).all()


def _open_item(site: str, after: int) -> ColumnElement[bool]:
    """An item above `after` that may be handed out: what has started is never asked for again, whoever asks."""
    item, row = CommandItemRow, CommandRow
    return (
        (item.site_id == site)
        & (item.number > after)
        & row.state.not_in(_FINAL)
        & or_(item.kind == CommandItemKind.CANCEL.value, row.state != CommandState.STARTED.value)
    )


def has_items(unit: Unit, site: str, after: int) -> bool:
    """Whether there may be something to hand out above `after`."""
    item, row = CommandItemRow, CommandRow
    query = (
        select(item.number)
        .join(row, (row.site_id == item.site_id) & (row.command == item.command))
        .where(_open_item(site, after))
    )
    return unit.scalar(query.limit(1)) is not None


def items(unit: Unit, site: str, after: int, limit: int) -> list[tuple[CommandItemRow, CommandRow]]:
    """The items above `after` that may be handed out, oldest first."""
    item, row = CommandItemRow, CommandRow
    query = (
        select(item, row)
        .join(row, (row.site_id == item.site_id) & (row.command == item.command))
        .where(_open_item(site, after))
        .order_by(item.number)
        .limit(limit)
    )
    return [(found, of) for found, of in unit.execute(query)]


def with_the_edge(unit: Unit, site: str) -> Sequence[CommandRow]:
    """Commands that the site's edge was given and that have not ended. The site must be locked."""
    row = CommandRow
    given = or_(row.handed_out_at.is_not(None), row.state != CommandState.CREATED.value)
    query = select(row).where(row.site_id == site, row.state.not_in(_FINAL), given)
    return unit.scalars(query.order_by(row.created_at, row.command)).all()


def never_handed_out_and_late(unit: Unit, now: datetime, limit: int) -> Sequence[tuple[str, UUID]]:
    """Site and identity of commands that nobody will ever start."""
    row = CommandRow
    query = select(row.site_id, row.command).where(
        row.state == CommandState.CREATED.value, row.deadline <= now, row.handed_out_at.is_(None)
    )
    return [(site, command) for site, command in unit.execute(query.order_by(row.site_id).limit(limit))]
