"""The SQL of sites and their links."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from cloud.db.database import Unit
from cloud.models.charging import ChargePointRow, TransactionRow
from cloud.models.commands import CommandRow
from cloud.models.link import DeadLetterRow, SkippedRangeRow, StreamCursorRow
from cloud.models.sites import EdgeRow, SiteRow
from contract.commands import FINAL_STATES

Sites = Collection[str]
Counts = dict[str, tuple[int, ...]]


def page(unit: Unit, after: str | None, limit: int) -> list[tuple[SiteRow, EdgeRow]]:
    """Up to `limit` sites with their edges behind the key `after`."""
    query = select(SiteRow, EdgeRow).join(EdgeRow, EdgeRow.site_id == SiteRow.site_id)
    if after is not None:
        query = query.where(SiteRow.site_id > after)
    return [(site, edge) for site, edge in unit.execute(query.order_by(SiteRow.site_id).limit(limit))]


def cursors(unit: Unit, sites: Sites) -> Sequence[StreamCursorRow]:
    """The cursors of the present epochs."""
    row = StreamCursorRow
    same = (EdgeRow.site_id == row.site_id) & (EdgeRow.epoch == row.epoch)
    return unit.scalars(select(row).join(EdgeRow, same).where(row.site_id.in_(sites))).all()


def dead_letters(unit: Unit, sites: Sites) -> dict[tuple[str, str], int]:
    """How many, by site and stream."""
    row = DeadLetterRow
    query = select(row.site_id, row.stream, func.count()).where(row.site_id.in_(sites))
    return {(site, stream): count for site, stream, count in unit.execute(query.group_by(row.site_id, row.stream))}


def skipped(unit: Unit, sites: Sites) -> dict[tuple[str, str], int]:
    """How many numbers, by site and stream."""
    row = SkippedRangeRow
    query = select(row.site_id, row.stream, func.sum(row.last - row.first + 1)).where(row.site_id.in_(sites))
    return {(site, stream): int(count) for site, stream, count in unit.execute(query.group_by(row.site_id, row.stream))}


def charge_points(unit: Unit, sites: Sites) -> Counts:
    """All and connected ones, by site."""
    row = ChargePointRow
    return _count(unit, row.site_id, sites, [func.count(), func.sum(case((row.connected, 1), else_=0))])


def open_transactions(unit: Unit, sites: Sites) -> Counts:
    """Running ones, by site."""
    return _count(unit, TransactionRow.site_id, sites, [func.count()], TransactionRow.stopped_at.is_(None))


def open_commands(unit: Unit, sites: Sites) -> Counts:
    """Those that have not ended, by site."""
    return _count(unit, CommandRow.site_id, sites, [func.count()], CommandRow.state.not_in(sorted(FINAL_STATES)))


def _count(unit: Unit, site: Any, sites: Sites, counts: list[Any], *where: ColumnElement[bool]) -> Counts:  # noqa: ANN401 - mapped columns
    query = select(site, *counts).where(site.in_(sites), *where).group_by(site)
    return {row[0]: tuple(int(count) for count in row[1:]) for row in unit.execute(query)}
