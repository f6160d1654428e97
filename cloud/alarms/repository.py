"""The SQL of alarms."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select, tuple_

from cloud.alarms.schemas import AlarmFilter, Key
from cloud.db.database import Unit
from cloud.models.alarms import AlarmRow

_IN_ONE_QUESTION = 500


def by_identity(unit: Unit, site: str, alarms: Collection[UUID]) -> dict[UUID, AlarmRow]:
    """Those of a site's alarms that are there."""
    wanted, found = list(alarms), dict[UUID, AlarmRow]()
    for start in range(0, len(wanted), _IN_ONE_QUESTION):
        some = wanted[start : start + _IN_ONE_QUESTION]
        rows = unit.scalars(select(AlarmRow).where(AlarmRow.site_id == site, AlarmRow.alarm.in_(some)))
        found.update((row.alarm, row) for row in rows)
    return found


def newest_first(unit: Unit, wanted: AlarmFilter, after: Key | None, limit: int) -> Sequence[AlarmRow]:
    """Up to `limit` alarms behind the key `after`."""
    row = AlarmRow
    query = select(row)
    for column, value in ((row.site_id, wanted.site), (row.charge_point, wanted.charge_point), (row.kind, wanted.kind)):
        if value is not None:
            query = query.where(column == value)
    if wanted.is_open is not None:
        query = query.where(row.cleared_at.is_(None) if wanted.is_open else row.cleared_at.is_not(None))
    key = (row.ordered_at, row.site_id, row.alarm)
    if after is not None:
        query = query.where(tuple_(*key) < tuple_(*after, types=[column.type for column in key]))
    return unit.scalars(query.order_by(*(column.desc() for column in key)).limit(limit)).all()
