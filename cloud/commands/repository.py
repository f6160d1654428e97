"""The SQL of commands. Whoever changes one holds its site's row lock, so that all take locks in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import aliased
from uuid_utils.compat import uuid7

from cloud.commands.schemas import CommandFilter, Key
from cloud.db.database import Unit
from cloud.errors import UnknownSiteError
from cloud.models.charging import ChargePointRow
from cloud.models.commands import CommandItemRow, CommandRow, CommandTransitionRow
from cloud.models.published import PublishedSetRow
from cloud.models.sites import EdgeRow, InstanceRow, SiteRow, incarnation_for
from contract.commands import FINAL_STATES, CommandState
from contract.link import CommandItemKind

_FINAL = sorted(FINAL_STATES)


def _open_item(site: ColumnElement[str], after: ColumnElement[int]) -> ColumnElement[bool]:
    """An item above `after` that may be handed out: what has started is never asked for again, whoever asks."""
    item, row = CommandItemRow, CommandRow
    return (
        (row.site_id == item.site_id)
        & (row.command == item.command)
        & (item.site_id == site)
        & (item.number > after)
        & row.state.not_in(_FINAL)
        & or_(item.kind == CommandItemKind.CANCEL.value, row.state != CommandState.STARTED.value)
    )


_SITE, _AFTER = bindparam("site", type_=String), bindparam("after", type_=BigInteger)
_NAMED = aliased(CommandItemRow)
_STANDING = (
    select(
        EdgeRow.locked_at,
        EdgeRow.locked_why,
        SiteRow.last_command_number,
        EdgeRow.epoch,
        func.coalesce(EdgeRow.incarnation, InstanceRow.incarnation),
        exists().where(_open_item(_SITE, _AFTER)),
        _NAMED.command,
    )
    .join(SiteRow, SiteRow.site_id == EdgeRow.site_id)
    .join(InstanceRow, true())
    .outerjoin(_NAMED, (_NAMED.site_id == EdgeRow.site_id) & (_NAMED.number == _AFTER))
    .where(EdgeRow.site_id == _SITE)
)
_VERSIONS = select(PublishedSetRow.set, PublishedSetRow.version).where(PublishedSetRow.site_id == _SITE)


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


class Standing(NamedTuple):
    """How a site's edge stands that asks for items: all that decides whether there is something for it."""

    locked_why: str | None
    """`None`: it is not locked."""
    given: int
    """The last number of its command sequence."""
    epoch: int
    incarnation: UUID
    has_items: bool
    command: UUID | None
    """Of the item whose number it named last; `None`: there is no such item, or none any more."""


def standing(unit: Unit, site: str, after: int) -> Standing:
    """What an edge is to be told that has stored the items up to `after`: one question for the many that wait."""
    found = unit.execute(_STANDING, {"site": site, "after": after}).one_or_none()
    if found is None:
        return Standing(None, 0, 1, incarnation(unit, site), has_items=False, command=None)
    locked_at, why, given, epoch, incarnation_, has_items, command = found
    locked_why = None if locked_at is None else why or "This edge is locked."
    return Standing(locked_why, given, epoch, incarnation_, has_items, command)


def directory_versions(unit: Unit, site: str) -> dict[str, int]:
    """The versions of the site's directory, by set."""
    return {str(name): int(version) for name, version in unit.execute(_VERSIONS, {"site": site})}


def marks(unit: Unit, sites: Sequence[str]) -> dict[str, tuple[int, int, bool, int]]:
    """What changes when there is news for a site's edge: last command number, epoch, locked or not, directory."""
    versions = select(func.coalesce(func.sum(PublishedSetRow.version), 0))
    directory = versions.where(PublishedSetRow.site_id == EdgeRow.site_id).scalar_subquery()
    query = select(EdgeRow.site_id, SiteRow.last_command_number, EdgeRow.epoch, EdgeRow.locked_at, directory)
    found = unit.execute(query.join(SiteRow, SiteRow.site_id == EdgeRow.site_id).where(EdgeRow.site_id.in_(sites)))
    return {site: (number, epoch, locked is not None, int(sum_)) for site, number, epoch, locked, sum_ in found}


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


def items(unit: Unit, site: str, after: int, limit: int) -> list[tuple[CommandItemRow, CommandRow]]:
    """The items above `after` that may be handed out, oldest first."""
    item, row = CommandItemRow, CommandRow
    query = select(item, row).where(_open_item(literal(site), literal(after))).order_by(item.number).limit(limit)
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
