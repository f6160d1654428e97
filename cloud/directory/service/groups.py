"""Groups and the sites that they are granted."""

from __future__ import annotations

from datetime import datetime

from cloud.db.database import Database, Unit
from cloud.db.paging import page_of
from cloud.directory.repository import campus
from cloud.directory.schemas import Group, GroupFields
from cloud.directory.service.checking import require_sites, require_tariff, unknown
from cloud.directory.service.publishing import Touched, publish
from cloud.models.directory import GroupRow
from contract.resources import Page


def put(database: Database, group: str, fields: GroupFields, now: datetime) -> tuple[Group, bool]:
    """Add or replace a group; says, too, whether it is new.

    Raises:
        InvalidFieldError: a tariff or a site that there is not.
    """
    with database.write() as unit:
        campus.lock(unit)
        require_tariff(unit, fields.tariff)
        require_sites(unit, fields.sites)
        row = campus.one(unit, GroupRow, group)
        new, before = row is None, row.tariff if row else None
        row = row or GroupRow(group=group)
        row.name, row.tariff, row.changed_at = fields.name, fields.tariff, now
        unit.add(row)
        unit.flush()
        campus.relink(unit, *campus.GROUP_SITES, {group: fields.sites})
        publish(unit, Touched(groups={group}, tariffs={before} if before else set()), now)
        return _shown(unit, row), new


def remove(database: Database, group: str, now: datetime) -> None:
    """Remove a group: whoever charged through it alone charges no more.

    Raises:
        NotFoundError: there is none.
    """
    with database.write() as unit:
        campus.lock(unit)
        row = _found(unit, group)
        members = campus.links(unit, *campus.GROUP_PEOPLE, [group]).get(group, [])
        tags = campus.links(unit, *campus.GROUP_ID_TAGS, [group]).get(group, [])
        for of, to in (campus.GROUP_SITES, campus.GROUP_PEOPLE, campus.GROUP_ID_TAGS):
            campus.relink(unit, of, to, {group: ()})
        touched = Touched(
            id_tags=set(tags), people=set(members), groups={group}, tariffs={row.tariff} if row.tariff else set()
        )
        unit.delete(row)
        publish(unit, touched, now)


def one(database: Database, group: str) -> Group:
    """A group.

    Raises:
        NotFoundError: there is none.
    """
    with database.read() as unit:
        return _shown(unit, _found(unit, group))


def several(database: Database, after: str | None, limit: int) -> Page[Group]:
    """One page, by id."""
    with database.read() as unit:
        rows = campus.page(unit, GroupRow.group, after, limit + 1)
        return page_of(rows, limit, key=lambda row: (row.group,), item=lambda row: _shown(unit, row))


def _found(unit: Unit, group: str) -> GroupRow:
    row = campus.one(unit, GroupRow, group)
    if row is None:
        raise unknown("group", group, "groups")
    return row


def _shown(unit: Unit, row: GroupRow) -> Group:
    sites = campus.links(unit, *campus.GROUP_SITES, [row.group]).get(row.group, [])
    return Group(group=row.group, name=row.name, tariff=row.tariff, sites=sites)
