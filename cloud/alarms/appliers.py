"""What a site's word means for its alarms. Raised and cleared may arrive in any order, and twice."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from cloud.alarms import repository
from cloud.db.database import Unit
from cloud.models.alarms import AlarmRow
from cloud.models.received import Received
from contract.events import AlarmCleared, AlarmRaised


def raised(unit: Unit, events: Sequence[Received[AlarmRaised]]) -> None:
    """Something needs a person."""
    rows = _rows(unit, events)
    for event in events:
        row = rows[event.data.alarm]
        row.detail = event.data.detail
        row.raised_at = row.ordered_at = event.envelope.occurred_at
    unit.flush()


def cleared(unit: Unit, events: Sequence[Received[AlarmCleared]]) -> None:
    """It is over."""
    rows = _rows(unit, events)
    for event in events:
        rows[event.data.alarm].cleared_at = event.envelope.occurred_at
    unit.flush()


def _rows(
    unit: Unit, events: Sequence[Received[AlarmRaised]] | Sequence[Received[AlarmCleared]]
) -> dict[UUID, AlarmRow]:
    rows = repository.by_identity(unit, events[0].site, {event.data.alarm for event in events})
    for event in events:
        data = event.data
        if data.alarm not in rows:
            rows[data.alarm] = row = AlarmRow(
                site_id=event.site,
                alarm=data.alarm,
                kind=data.kind,
                charge_point=data.charge_point,
                detail="",
                ordered_at=event.envelope.occurred_at,
            )
            unit.add(row)
    return rows
