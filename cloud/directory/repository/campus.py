"""Rows of the campus: id tags, people, groups, tariffs, policies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, delete, insert, select, text
from sqlalchemy.orm import InstrumentedAttribute

from cloud.db.database import Unit
from cloud.models.directory import (
    GroupRow,
    GroupSiteRow,
    IdTagConflictRow,
    IdTagGroupRow,
    IdTagRow,
    IdTagSiteRow,
    PersonGroupRow,
    PersonRow,
)
from cloud.models.sites import SiteRow
from cloud.models.tables import Table

IN_ONE_QUESTION = 500
_LOCK = 0x6761726469  # the PostgreSQL advisory lock that changes of the directory queue at

Row = TypeVar("Row", bound=Table)


def lock(unit: Unit) -> None:
    """Let one change of the directory follow the other: each reads who belongs where, and writes what follows."""
    if unit.connection().dialect.name != "sqlite":  # a writer of SQLite is alone anyway
        unit.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def chunks(keys: Collection[str]) -> Iterator[list[str]]:
    """Split keys into as many as one statement takes."""
    every = sorted(keys)
    for start in range(0, len(every), IN_ONE_QUESTION):
        yield every[start : start + IN_ONE_QUESTION]


def one(unit: Unit, kind: type[Row], key: str) -> Row | None:
    """A row by its one key, read anew."""
    return unit.get(kind, key, populate_existing=True)


def some(unit: Unit, column: InstrumentedAttribute[Any], keys: Collection[str]) -> list[Any]:
    """The rows whose `column` is one of `keys`, read anew."""
    found: list[Any] = []
    for few in chunks(keys):
        query = select(column.class_).where(column.in_(few)).execution_options(populate_existing=True)
        found += unit.scalars(query)
    return found


def page(
    unit: Unit, column: InstrumentedAttribute[Any], after: str | None, limit: int, *where: ColumnElement[bool]
) -> Sequence[Any]:
    """Up to `limit` rows behind the key `after`, by that key."""
    query = select(column.class_).where(*where).order_by(column).limit(limit)
    if after is not None:
        query = query.where(column > after)
    return unit.scalars(query).all()


def missing_sites(unit: Unit, sites: Collection[str]) -> list[str]:
    """Those of `sites` that there are not."""
    return _missing(unit, SiteRow.site_id, sites)


def missing_groups(unit: Unit, groups: Collection[str]) -> list[str]:
    """Those of `groups` that there are not."""
    return _missing(unit, GroupRow.group, groups)


def missing_people(unit: Unit, people: Collection[str]) -> list[str]:
    """Those of `people` that there are not."""
    return _missing(unit, PersonRow.person, people)


def _missing(unit: Unit, column: InstrumentedAttribute[Any], keys: Collection[str]) -> list[str]:
    known: set[str] = set()
    for few in chunks(keys):
        known.update(unit.scalars(select(column).where(column.in_(few))))
    return sorted(set(keys) - known)


def links(
    unit: Unit, of: InstrumentedAttribute[Any], to: InstrumentedAttribute[Any], keys: Collection[str]
) -> dict[str, list[str]]:
    """What each of `keys` is joined to, sorted; a key that is joined to nothing is missing."""
    found: dict[str, list[str]] = {}
    for few in chunks(keys):
        for key, other in unit.execute(select(of, to).where(of.in_(few)).order_by(of, to)):
            found.setdefault(key, []).append(other)
    return found


def relink(
    unit: Unit, of: InstrumentedAttribute[Any], to: InstrumentedAttribute[Any], wanted: dict[str, Iterable[str]]
) -> None:
    """Join each key of `wanted` to these and to no others."""
    for few in chunks(wanted):
        unit.execute(delete(of.class_).where(of.in_(few)))
    rows = [{of.key: key, to.key: other} for key, others in wanted.items() for other in sorted(set(others))]
    if rows:
        unit.execute(insert(of.class_), rows)


def unlink(unit: Unit, column: InstrumentedAttribute[Any], key: str) -> None:
    """Part a key from all that it is joined to."""
    unit.execute(delete(column.class_).where(column == key))


def grant_site(unit: Unit, site: str, key: str) -> None:
    """Let an id tag charge at a site by itself."""
    if unit.get(IdTagSiteRow, (site, key)) is None:
        unit.add(IdTagSiteRow(site_id=site, key=key))
        unit.flush()


def conflicts(
    unit: Unit, after: tuple[Any, ...] | None, limit: int, *, site: str | None = None, key: str | None = None
) -> Sequence[IdTagConflictRow]:
    """Up to `limit` conflicts behind the key `after`, newest first."""
    row = IdTagConflictRow
    query = select(row).order_by(row.at.desc(), row.conflict.desc()).limit(limit)
    if site is not None:
        query = query.where(row.site_id == site)
    if key is not None:
        query = query.where(row.key == key)
    if after is not None:
        at, conflict = after
        query = query.where((row.at < at) | ((row.at == at) & (row.conflict < conflict)))
    return unit.scalars(query).all()


ID_TAG_GROUPS = (IdTagGroupRow.key, IdTagGroupRow.group)
ID_TAG_SITES = (IdTagSiteRow.key, IdTagSiteRow.site_id)
PERSON_GROUPS = (PersonGroupRow.person, PersonGroupRow.group)
GROUP_SITES = (GroupSiteRow.group, GroupSiteRow.site_id)
SITE_GROUPS = (GroupSiteRow.site_id, GroupSiteRow.group)
GROUP_PEOPLE = (PersonGroupRow.group, PersonGroupRow.person)
GROUP_ID_TAGS = (IdTagGroupRow.group, IdTagGroupRow.key)
PERSON_ID_TAGS = (IdTagRow.person, IdTagRow.key)
TARIFF_GROUPS = (GroupRow.tariff, GroupRow.group)
