"""What each site is given: its versioned sets, their entries, and what its edge says it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, false, func, insert, select, update

from cloud.db.database import Unit
from cloud.directory.repository.campus import chunks
from cloud.errors import UnknownSiteError
from cloud.models.published import AppliedSetRow, PublishedEntryRow, PublishedSetRow
from cloud.models.sites import SiteRow, incarnation_for
from contract.directory import EMPTY, DirectorySet


def incarnation(unit: Unit, site: str) -> UUID:
    """Which cloud database this is to the edge of a site."""
    return unit.scalars(incarnation_for(site)).one()


def require_site(unit: Unit, site: str) -> None:
    """Return when there is such a site.

    Raises:
        UnknownSiteError: there is none.
    """
    if unit.get(SiteRow, site) is None:
        raise UnknownSiteError(f"There is no site {site}.", hint="GET /api/v1/sites lists all.")


def lock_set(unit: Unit, site: str, name: DirectorySet, now: datetime) -> PublishedSetRow:
    """A set of a site, locked; an empty one at version 0 where there was none."""
    key = (site, name.value)
    row = unit.get(PublishedSetRow, key, with_for_update=True, populate_existing=True)
    if row is None:
        row = PublishedSetRow(site_id=site, set=name.value, version=0, floor=0, hash=EMPTY, entries=0, changed_at=now)
        unit.add(row)
        unit.flush()
    return row


def find_set(unit: Unit, site: str, name: DirectorySet) -> PublishedSetRow | None:
    """A set of a site; `None`: nothing was ever published in it."""
    return unit.get(PublishedSetRow, (site, name.value))


def sets_of(unit: Unit, site: str) -> dict[str, PublishedSetRow]:
    """The sets of a site, by name."""
    rows = unit.scalars(select(PublishedSetRow).where(PublishedSetRow.site_id == site))
    return {row.set: row for row in rows}


def entries(unit: Unit, name: DirectorySet, keys: Collection[str]) -> list[PublishedEntryRow]:
    """All entries of these keys in the sets of all sites, removed ones included."""
    row, found = PublishedEntryRow, list[PublishedEntryRow]()
    for few in chunks(keys):
        query = select(row).where(row.set == name.value, row.key.in_(few))
        found += unit.scalars(query.execution_options(populate_existing=True))
    return found


def add_entries(unit: Unit, rows: Iterable[dict[str, Any]]) -> None:
    """Write new entries."""
    if some := list(rows):
        unit.execute(insert(PublishedEntryRow), some)


def slice_of(
    unit: Unit, site: str, name: DirectorySet, *, above: int, after: tuple[int, str] | None, limit: int
) -> Sequence[PublishedEntryRow]:
    """Up to `limit` entries whose version is above `above`, the urgent ones first, then by key."""
    row = PublishedEntryRow
    query = select(row).where(row.site_id == site, row.set == name.value, row.version > above)
    if after is not None:
        behind, key = after
        later = (row.key > key) & (row.urgent == (behind == 0))
        query = query.where(later | (row.urgent == false()) if behind == 0 else later)
    return unit.scalars(query.order_by(row.urgent.desc(), row.key).limit(limit)).all()


def forget_removed(unit: Unit, before: datetime) -> int:
    """Let go of entries that were removed before an instant; who has less than their versions takes a snapshot."""
    row, kept = PublishedEntryRow, PublishedSetRow
    old = (row.content.is_(None)) & (row.changed_at < before)
    floors = unit.execute(select(row.site_id, row.set, func.max(row.version)).where(old).group_by(row.site_id, row.set))
    count = 0
    for site, name, version in floors.all():
        where = (kept.site_id == site) & (kept.set == name)
        unit.execute(update(kept).where(where, kept.floor < version).values(floor=version))
        count += 1
    unit.execute(delete(row).where(old))
    return count


def applied_of(unit: Unit, site: str) -> dict[str, AppliedSetRow]:
    """What the site's edge last said, by set."""
    rows = unit.scalars(select(AppliedSetRow).where(AppliedSetRow.site_id == site))
    return {row.set: row for row in rows}


def note_applied(unit: Unit, row: AppliedSetRow) -> None:
    """Keep what an edge says."""
    unit.merge(row)
    unit.flush()
