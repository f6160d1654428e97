"""Which site needs whom: an edge holds only what is granted to its site."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, select

from cloud.db.database import Unit
from cloud.directory.repository.campus import chunks
from cloud.models.directory import (
    GroupRow,
    GroupSiteRow,
    IdTagGroupRow,
    IdTagRow,
    IdTagSiteRow,
    PersonGroupRow,
    SitePolicyRow,
)
from contract.directory import IdTagStatus, OfflineMode

Sites = dict[str, set[str]]
"""By key."""


def of_id_tags(unit: Unit, keys: Collection[str]) -> Sites:
    """Where id tags are needed: granted by themselves, through a group of theirs, or through their person's groups.

    A site that lets strangers charge besides needs all that may not, or it would take them for strangers.
    """
    strangers_at = _open_to_strangers(unit)
    found: Sites = {}
    for few in chunks(keys):
        for query in (
            select(IdTagSiteRow.key, IdTagSiteRow.site_id).where(IdTagSiteRow.key.in_(few)),
            select(IdTagGroupRow.key, GroupSiteRow.site_id)
            .join(GroupSiteRow, GroupSiteRow.group == IdTagGroupRow.group)
            .where(IdTagGroupRow.key.in_(few)),
            select(IdTagRow.key, GroupSiteRow.site_id)
            .join(PersonGroupRow, PersonGroupRow.person == IdTagRow.person)
            .join(GroupSiteRow, GroupSiteRow.group == PersonGroupRow.group)
            .where(IdTagRow.key.in_(few)),
        ):
            _collect(unit, query, found)
        if strangers_at:
            refused = select(IdTagRow.key).where(IdTagRow.key.in_(few), IdTagRow.status != IdTagStatus.ACCEPTED.value)
            for key in unit.scalars(refused):
                found.setdefault(key, set()).update(strangers_at)
    return found


def of_people(unit: Unit, people: Collection[str]) -> dict[str, dict[str, list[str]]]:
    """By person and site: which of the person's groups the site serves."""
    found: dict[str, dict[str, list[str]]] = {}
    row = PersonGroupRow
    for few in chunks(people):
        query = (
            select(row.person, GroupSiteRow.site_id, row.group)
            .join(GroupSiteRow, GroupSiteRow.group == row.group)
            .where(row.person.in_(few))
            .order_by(row.group)
        )
        for person, site, group in unit.execute(query):
            found.setdefault(person, {}).setdefault(site, []).append(group)
    return found


def of_groups(unit: Unit, groups: Collection[str]) -> Sites:
    """Where groups are granted."""
    found: Sites = {}
    for few in chunks(groups):
        _collect(unit, select(GroupSiteRow.group, GroupSiteRow.site_id).where(GroupSiteRow.group.in_(few)), found)
    return found


def of_tariffs(unit: Unit, tariffs: Collection[str]) -> Sites:
    """Where a group is granted that pays by the tariff."""
    found: Sites = {}
    for few in chunks(tariffs):
        query = (
            select(GroupRow.tariff, GroupSiteRow.site_id)
            .join(GroupSiteRow, GroupSiteRow.group == GroupRow.group)
            .where(GroupRow.tariff.in_(few))
        )
        _collect(unit, query, found)
    return found


def shows_names(unit: Unit) -> set[str]:
    """The sites whose policy lets names come down."""
    return set(unit.scalars(select(SitePolicyRow.site_id).where(SitePolicyRow.show_names)))


def refused_id_tags(unit: Unit) -> list[str]:
    """The keys of all id tags that may not charge."""
    return list(unit.scalars(select(IdTagRow.key).where(IdTagRow.status != IdTagStatus.ACCEPTED.value)))


def _open_to_strangers(unit: Unit) -> set[str]:
    row = SitePolicyRow
    return set(unit.scalars(select(row.site_id).where(row.offline == OfflineMode.ALLOW_UNKNOWN.value)))


def _collect(unit: Unit, query: Select[Any, Any], found: Sites) -> None:
    for key, site in unit.execute(query):
        found.setdefault(key, set()).add(site)
