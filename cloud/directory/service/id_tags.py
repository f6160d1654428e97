"""Id tags: put, remove, show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement

from cloud.db.database import Database, Unit
from cloud.db.paging import page_of
from cloud.directory.repository import campus
from cloud.directory.schemas import FollowedIdTag, IdTag, IdTagFields, NewIdTag
from cloud.directory.service.checking import require_groups, require_people, require_sites, unknown
from cloud.directory.service.conflicts import of_id_tag
from cloud.directory.service.publishing import Touched, publish
from cloud.models.directory import IdTagRow
from contract.directory import IdTagStatus, key_of_id_tag
from contract.resources import Page

_COLUMNS = (
    *("id_tag", "status", "status_since", "expires_at", "parent_id_tag", "person", "note"),
    *("version", "changed_at", "changed_by"),
)


def put(database: Database, id_tag: str, fields: IdTagFields, operator: str, now: datetime) -> tuple[IdTag, bool]:
    """Add or replace an id tag; says, too, whether it is new."""
    new = put_all(database, [NewIdTag(id_tag=id_tag, **fields.model_dump())], operator, now) == 1
    with database.read() as unit:
        return _shown(unit, [_found(unit, id_tag)])[0], new


def put_all(database: Database, tags: Sequence[NewIdTag], operator: str, now: datetime) -> int:
    """Add or replace id tags in one transaction; of two of the same name the later counts.

    Returns:
        How many are new.

    Raises:
        InvalidFieldError: a person, group or site that there is not; nothing was changed.
    """
    wanted = {key_of_id_tag(tag.id_tag): tag for tag in tags}
    with database.write() as unit:
        campus.lock(unit)
        require_people(unit, {tag.person for tag in wanted.values() if tag.person is not None})
        require_groups(unit, {group for tag in wanted.values() for group in tag.groups})
        require_sites(unit, {site for tag in wanted.values() for site in tag.sites})
        known = {row.key: row for row in campus.some(unit, IdTagRow.key, wanted)}
        new = sum(_write(unit, known.get(key), tag, operator, now) for key, tag in wanted.items())
        unit.flush()
        campus.relink(unit, *campus.ID_TAG_GROUPS, {key: tag.groups for key, tag in wanted.items()})
        campus.relink(unit, *campus.ID_TAG_SITES, {key: tag.sites for key, tag in wanted.items()})
        publish(unit, Touched(id_tags=set(wanted)), now)
    return new


def _write(unit: Unit, row: IdTagRow | None, tag: NewIdTag, operator: str, now: datetime) -> bool:
    new = row is None or row.status is None
    if row is None:
        row = IdTagRow(key=key_of_id_tag(tag.id_tag), id_tag=tag.id_tag, status=None, version=0)
        unit.add(row)
    set_status(row, tag.status, now)
    row.expires_at, row.parent_id_tag = tag.expires_at, tag.parent_id_tag
    row.person, row.note = tag.person, tag.note
    row.version += 1
    row.changed_at, row.changed_by = now, operator
    return new


def set_status(row: IdTagRow, status: IdTagStatus | None, now: datetime) -> None:
    """Give an id tag a status, and remember since when it has it."""
    value = None if status is None else status.value
    if row.status != value or row.status_since is None:
        row.status_since = now
    row.status = value


def remove(database: Database, id_tag: str, operator: str, now: datetime) -> None:
    """Remove an id tag everywhere. Its transactions stay, and its versions go on should it come back.

    Raises:
        NotFoundError: there is none.
    """
    with database.write() as unit:
        campus.lock(unit)
        row = _found(unit, id_tag)
        forget(unit, row, operator, now)
        row.version += 1
        publish(unit, Touched(id_tags={row.key}), now)


def forget(unit: Unit, row: IdTagRow, by: str, now: datetime) -> None:
    """Empty an id tag's row; the caller gives it its next version."""
    set_status(row, None, now)
    row.expires_at = row.parent_id_tag = row.person = row.note = None
    row.changed_at, row.changed_by = now, by
    campus.relink(unit, *campus.ID_TAG_GROUPS, {row.key: ()})
    campus.relink(unit, *campus.ID_TAG_SITES, {row.key: ()})


def one(database: Database, id_tag: str) -> FollowedIdTag:
    """An id tag, and what sites had made of it in vain.

    Raises:
        NotFoundError: there is none.
    """
    with database.read() as unit:
        row = _found(unit, id_tag)
        shown = _shown(unit, [row])[0]
        return FollowedIdTag(**shown.model_dump(), conflicts=of_id_tag(unit, row.key))


def several(
    database: Database, after: str | None, limit: int, person: str | None, status: IdTagStatus | None
) -> Page[IdTag]:
    """One page, sorted without regard to case."""
    where: list[ColumnElement[bool]] = [IdTagRow.status.is_not(None)]
    if person is not None:
        where.append(IdTagRow.person == person)
    if status is not None:
        where.append(IdTagRow.status == status.value)
    with database.read() as unit:
        rows = campus.page(unit, IdTagRow.key, after, limit + 1, *where)
        shown = {row.key: tag for row, tag in zip(rows, _shown(unit, rows), strict=True)}
    return page_of(rows, limit, key=lambda row: (row.key,), item=lambda row: shown[row.key])


def _found(unit: Unit, id_tag: str) -> IdTagRow:
    row = campus.one(unit, IdTagRow, key_of_id_tag(id_tag))
    if row is None or row.status is None:
        raise unknown("id tag", id_tag, "id-tags")
    return row


def _shown(unit: Unit, rows: Sequence[IdTagRow]) -> list[IdTag]:
    keys = [row.key for row in rows]
    groups, sites = campus.links(unit, *campus.ID_TAG_GROUPS, keys), campus.links(unit, *campus.ID_TAG_SITES, keys)
    return [
        IdTag.model_validate(
            {name: getattr(row, name) for name in _COLUMNS}
            | {"groups": groups.get(row.key, []), "sites": sites.get(row.key, [])}
        )
        for row in rows
    ]
