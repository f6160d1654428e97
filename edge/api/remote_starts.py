"""What came of remote starts: did a transaction begin?"""

from __future__ import annotations

import sqlite3
from uuid import UUID

from fastapi import APIRouter

from contract.model import Record, UtcDatetime
from contract.resources import Page
from edge.api import paging
from edge.api.collaborators import Here
from edge.api.problems import documented, not_found
from edge.api.segments import ChargePointIdentity
from edge.domain.remote_start import Outcome
from edge.store import charge_points
from edge.store import remote_starts as store

router = APIRouter(prefix="/api/v1/charge-points", tags=["Charge points"])

_MEANINGS = {
    Outcome.ASKED: "The charge point has not answered yet.",
    Outcome.EXPECTED: "The charge point accepted. A transaction is expected; plug the cable in.",
    Outcome.STARTED: "Its transaction began.",
    Outcome.NO_TRANSACTION: "The charge point accepted, but no transaction began in time.",
}


class RemoteStart(Record):
    """A remote start that was not refused."""

    connector_id: int
    id_tag: str
    asked_at: UtcDatetime
    due_at: UtcDatetime
    """By then its transaction must have begun."""
    outcome: Outcome
    explanation: str
    """The outcome in one plain sentence."""
    transaction_id: int | None
    command: UUID | None
    """The cloud's command; `null`: it was asked for at the site."""


@router.get("/{charge_point}/remote-starts", summary="List remote starts", responses=documented(404, 422))
async def list_remote_starts(
    here: Here, charge_point: ChargePointIdentity, limit: paging.Limit = 100, cursor: paging.Cursor = None
) -> Page[RemoteStart]:
    """Newest first, each with what came of it."""
    place = paging.read(cursor, "remote-starts", int)

    def query(connection: sqlite3.Connection) -> list[store.RemoteStart]:
        if charge_points.find(connection, charge_point) is None:
            raise not_found("charge point", charge_point, hint="Identities are case-sensitive.")
        return store.page(connection, charge_point, before=place[0] if place else None, limit=limit + 1)

    found = await here.readers.run(query)
    rows, following = paging.cut(found, limit, lambda row: paging.write("remote-starts", row.number))
    return Page(items=[_resource(row) for row in rows], next_cursor=following)


def _resource(row: store.RemoteStart) -> RemoteStart:
    return RemoteStart(
        connector_id=row.connector_id,
        id_tag=row.id_tag,
        asked_at=row.asked_at,
        due_at=row.due_at,
        outcome=row.outcome,
        explanation=_MEANINGS[row.outcome],
        transaction_id=row.transaction_id,
        command=row.command,
    )
