"""Changes that an edge made without knowing of a later one here."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cloud.db.database import Database, Unit
from cloud.db.paging import page_of
from cloud.directory.repository import campus
from cloud.directory.schemas import Conflict
from cloud.models.directory import IdTagConflictRow
from contract.directory import key_of_id_tag
from contract.resources import Page

_LATEST = 10


def of_id_tag(unit: Unit, key: str) -> list[Conflict]:
    """The latest of one id tag, newest first."""
    return [_shown(row) for row in campus.conflicts(unit, None, _LATEST, key=key)]


def several(
    database: Database, after: tuple[datetime, UUID] | None, limit: int, site: str | None, id_tag: str | None
) -> Page[Conflict]:
    """One page, newest first."""
    key = None if id_tag is None else key_of_id_tag(id_tag)
    with database.read() as unit:
        rows = campus.conflicts(unit, after, limit + 1, site=site, key=key)
    return page_of(rows, limit, key=lambda row: (row.at, row.conflict), item=_shown)


def _shown(row: IdTagConflictRow) -> Conflict:
    return Conflict(
        conflict=row.conflict,
        site=row.site_id,
        id_tag=str(row.discarded.get("id_tag", row.key)),
        at=row.at,
        kept=row.kept,
        discarded=row.discarded,
    )
