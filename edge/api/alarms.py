"""What a person has to look at: alarms that stand, and those that are over."""

from __future__ import annotations

import sqlite3
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from contract.model import Record, UtcDatetime
from contract.resources import Page
from edge.api import paging
from edge.api.collaborators import Here
from edge.api.problems import ProblemError, documented, not_found
from edge.domain.alarms import ACKNOWLEDGED, MEANINGS, AlarmKind
from edge.store import alarms as store
from edge.store.writer import WriteTx

router = APIRouter(prefix="/api/v1/alarms", tags=["Alarms"])


class Alarm(Record):
    """Something that a person has to look at."""

    alarm: UUID
    kind: str
    charge_point: str | None
    """`None`: the site itself."""
    meaning: str
    """What this kind of alarm says, in a plain sentence."""
    what_to_do: str
    detail: str
    raised_at: UtcDatetime
    cleared_at: UtcDatetime | None
    """`None`: it stands."""


@router.get("", summary="List alarms", responses=documented(422))
async def list_alarms(
    here: Here,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
    standing: Annotated[bool | None, Query(description="Only those that stand, or only those that are over.")] = None,
    charge_point: Annotated[str | None, Query(description="Only those of one charge point.")] = None,
) -> Page[Alarm]:
    """Newest first. An alarm is raised once, and ends by itself when what it tells of is over."""
    place = paging.read(cursor, "alarms", int)

    def query(connection: sqlite3.Connection) -> Page[Alarm]:
        found = store.page(
            connection,
            before=place[0] if place else None,
            limit=limit + 1,
            standing=standing,
            charge_point=charge_point,
        )
        rows, following = paging.cut(found, limit, lambda row: paging.write("alarms", row.number))
        return Page(items=[_resource(row) for row in rows], next_cursor=following)

    return await here.readers.run(query)


@router.post("/{alarm}/acknowledge", summary="End an alarm that a person has settled", responses=documented(404, 409))
async def acknowledge(here: Here, alarm: UUID) -> Alarm:
    """For alarms that tell of something that happened, such as HardwareChanged. Others end with their cause alone."""

    def operation(tx: WriteTx) -> store.Alarm:
        found = store.find(tx.connection, str(alarm))
        if found is None:
            raise not_found("alarm", str(alarm))
        kind = AlarmKind(found.kind)
        if kind not in ACKNOWLEDGED:
            raise ProblemError(
                409,
                "alarm-ends-by-itself",
                f"An alarm {kind.value} ends when what it tells of is over.",
                hint=MEANINGS[kind].what_to_do,
            )
        if found.cleared_at is None:
            store.clear_alarm(tx, kind, found.charge_point, here.clock.now())
        return store.find(tx.connection, str(alarm)) or found

    return _resource(await here.writer.run(operation))


def _resource(row: store.Alarm) -> Alarm:
    meaning = MEANINGS[AlarmKind(row.kind)]
    return Alarm.model_validate(
        {
            "alarm": row.alarm,
            "kind": row.kind,
            "charge_point": row.charge_point or None,
            "meaning": meaning.sentence,
            "what_to_do": meaning.what_to_do,
            "detail": row.detail,
            "raised_at": row.raised_at,
            "cleared_at": row.cleared_at,
        }
    )
