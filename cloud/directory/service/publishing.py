"""Bring what each site is given into step with the campus, and number what has changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cloud.db.database import Unit
from cloud.directory.repository import campus, needs, published
from cloud.directory.service import contents
from cloud.directory.service.contents import Content
from cloud.models.directory import GroupRow, IdTagRow, PersonRow, TariffRow
from cloud.models.published import PublishedEntryRow, PublishedSetRow
from cloud.models.waking import site_key
from contract.directory import POLICY_KEY, DirectorySet, canonical, digest, moved

Wanted = dict[str, dict[str, Content]]
"""By key and site. A site that is not there is to have no such entry."""


@dataclass(slots=True)
class Touched:
    """What has changed; what follows from it is found out when it is published."""

    id_tags: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    tariffs: set[str] = field(default_factory=set)
    verdicts: set[tuple[str, str]] = field(default_factory=set)
    """Site and key of id tags that a site is told of even if nothing has changed: it has asked."""


def publish(unit: Unit, touched: Touched, now: datetime) -> None:
    """Write what follows from a change, in the same transaction, and wake the edges that it concerns.

    The campus's directory lock must be held.
    """
    unit.flush()
    for members, column in ((touched.people, campus.GROUP_PEOPLE), (touched.id_tags, campus.GROUP_ID_TAGS)):
        for found in campus.links(unit, *column, touched.groups).values():
            members.update(found)
    for found in campus.links(unit, *campus.PERSON_ID_TAGS, touched.people).values():
        touched.id_tags.update(found)
    for group in campus.some(unit, GroupRow.group, touched.groups):
        touched.tariffs.update([group.tariff] if group.tariff else [])
    _write(unit, DirectorySet.ID_TAGS, touched.id_tags, _id_tags(unit, touched.id_tags), now, touched.verdicts)
    _write(unit, DirectorySet.GROUPS, touched.groups, _groups(unit, touched.groups), now)
    _write(unit, DirectorySet.PEOPLE, touched.people, _people(unit, touched.people), now)
    _write(unit, DirectorySet.TARIFFS, touched.tariffs, _tariffs(unit, touched.tariffs), now)


def publish_policy(unit: Unit, site: str, content: dict[str, Any] | None, now: datetime) -> None:
    """Write a site's policy down for its edge; `None`: it has none of its own any more."""
    wanted = {} if content is None else {POLICY_KEY: {site: Content(content)}}
    _write(unit, DirectorySet.POLICY, {POLICY_KEY}, wanted, now, only=site)


def _id_tags(unit: Unit, keys: set[str]) -> Wanted:
    rows = campus.some(unit, IdTagRow.key, keys)
    sites = needs.of_id_tags(unit, keys)
    return {
        row.key: dict.fromkeys(sites.get(row.key, ()), contents.of_id_tag(row))
        for row in rows
        if row.status is not None
    }


def _groups(unit: Unit, keys: set[str]) -> Wanted:
    sites = needs.of_groups(unit, keys)
    rows = campus.some(unit, GroupRow.group, keys)
    return {row.group: dict.fromkeys(sites.get(row.group, ()), contents.of_group(row)) for row in rows}


def _people(unit: Unit, keys: set[str]) -> Wanted:
    sites, shown = needs.of_people(unit, keys), needs.shows_names(unit)
    rows = campus.some(unit, PersonRow.person, keys)
    return {
        row.person: {
            site: contents.of_person(row, groups, shows_name=site in shown)
            for site, groups in sites.get(row.person, {}).items()
        }
        for row in rows
    }


def _tariffs(unit: Unit, keys: set[str]) -> Wanted:
    sites = needs.of_tariffs(unit, keys)
    rows = campus.some(unit, TariffRow.tariff, keys)
    return {row.tariff: dict.fromkeys(sites.get(row.tariff, ()), contents.of_tariff(row)) for row in rows}


def _write(
    unit: Unit,
    name: DirectorySet,
    keys: set[str],
    wanted: Wanted,
    now: datetime,
    verdicts: Iterable[tuple[str, str]] = (),
    only: str | None = None,
) -> None:
    """Compare what sites should have with what was published, and write the difference site by site."""
    there = {(row.site_id, row.key): row for row in published.entries(unit, name, keys) if only in {None, row.site_id}}
    places = {place for place, row in there.items() if row.content is not None} | set(verdicts)
    places |= {(site, key) for key, sites in wanted.items() for site in sites}
    changes: dict[str, list[_Change]] = {}
    for site, key in sorted(places):
        change = _Change(key, there.get((site, key)), wanted.get(key, {}).get(site))
        if change.is_one or (site, key) in verdicts:
            changes.setdefault(site, []).append(change)
    versions = _own_versions(unit, keys) if name is DirectorySet.ID_TAGS else {}
    for site, some in changes.items():
        row = published.lock_set(unit, site, name, now)
        published.add_entries(unit, [new for change in some if (new := change.write(row, now, versions)) is not None])
        row.changed_at = now
        unit.flush()
        unit.ring_after_commit(site_key(site))


def _own_versions(unit: Unit, keys: set[str]) -> dict[str, int]:
    return {row.key: row.version for row in campus.some(unit, IdTagRow.key, keys)}


@dataclass(frozen=True, slots=True)
class _Change:
    """One entry of one site, as it was published and as it should be."""

    key: str
    before: PublishedEntryRow | None
    after: Content | None

    @property
    def is_one(self) -> bool:
        had = None if self.before is None else self.before.content
        return had != (None if self.after is None else self.after.content)

    def write(self, row: PublishedSetRow, now: datetime, versions: dict[str, int]) -> dict[str, Any] | None:
        """Give it the set's next version; returns the row to add where there was none."""
        had = None if self.before is None else self.before.content
        has = None if self.after is None else self.after.content
        row.version += 1
        row.hash = moved(
            row.hash,
            added=0 if has is None else digest(self.key, canonical(has)),
            taken=0 if had is None else digest(self.key, canonical(had)),
        )
        row.entries += (has is not None) - (had is not None)
        fields = {
            "version": row.version,
            "urgent": self.after is None or self.after.urgent,
            "content": has,
            "own_version": versions.get(self.key, 0),
            "changed_at": now,
        }
        if self.before is None:
            return {"site_id": row.site_id, "set": row.set, "key": self.key, **fields}
        for column, value in fields.items():
            setattr(self.before, column, value)
        return None
