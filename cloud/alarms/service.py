"""Read alarms as the API shows them."""

from __future__ import annotations

from cloud.alarms import repository
from cloud.alarms.schemas import AlarmFilter, Key
from cloud.db.database import Unit
from cloud.db.paging import page_of
from cloud.models.alarms import AlarmRow
from contract.resources import AlarmRecord, Page


def alarms(unit: Unit, wanted: AlarmFilter, after: Key | None, limit: int) -> Page[AlarmRecord]:
    """One page, newest first."""
    rows = repository.newest_first(unit, wanted, after, limit + 1)
    return page_of(rows, limit, key=lambda row: (row.ordered_at, row.site_id, row.alarm), item=_alarm)


def _alarm(row: AlarmRow) -> AlarmRecord:
    return AlarmRecord(
        site=row.site_id,
        alarm=row.alarm,
        kind=row.kind,
        charge_point=row.charge_point,
        detail=row.detail,
        raised_at=row.raised_at,
        cleared_at=row.cleared_at,
    )
