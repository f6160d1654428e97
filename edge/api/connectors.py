"""The connectors of a charge point as people see them, and which status changes were odd."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter

from contract.model import Record, UtcDatetime
from contract.resources import Page
from edge.api.collaborators import Here
from edge.api.problems import documented
from edge.domain import condition
from edge.domain.condition import Part, Seen
from edge.store import connectors, status_changes, transactions
from edge.store.connectors import ConnectorState
from edge.store.transactions import Transaction

router = APIRouter(prefix="/api/v1/odd-status-changes", tags=["Charge points"])

PARTS: dict[str, Callable[[Seen], Part]] = {
    "occupancy": condition.occupancy,
    "session": condition.session,
    "energy": condition.energy,
    "health": condition.health,
}


class OddStatusChange(Record):
    """A change of status that the specification does not know, seen with one firmware."""

    vendor: str
    model: str
    firmware_version: str
    before: str
    after: str
    count: int
    last_at: UtcDatetime


@router.get("", summary="List odd status changes per firmware", responses=documented())
async def list_odd_status_changes(here: Here) -> Page[OddStatusChange]:
    """The most frequent first. They were accepted: a notification may be lost. Many of them speak of the firmware."""
    rows = await here.readers.run(status_changes.odd)
    return Page(items=[OddStatusChange.model_validate(row, from_attributes=True) for row in rows])


def shown_connectors(connection: sqlite3.Connection, charge_point: str, now: datetime) -> list[dict[str, Any]]:
    """Give the connectors of a charge point in the form of `contract.resources.Connector`."""
    running = {one.connector_id: one for one in transactions.open_at(connection, charge_point)}
    return [
        _shown(state, running.get(state.connector_id), now)
        for state in connectors.of_charge_point(connection, charge_point)
    ]


def _shown(state: ConnectorState, running: Transaction | None, now: datetime) -> dict[str, Any]:
    began = running and (running.start_received_at or running.started_at)
    seen = Seen(
        status=state.status,
        error_code=state.error_code,
        status_since=state.received_at,
        transaction_since=began.isoformat() if began else None,
        transaction_suspect=running is not None and running.suspect_since is not None,
    )
    parts = {name: _evidence(derive(seen), now) for name, derive in PARTS.items()}
    return {
        "connector_id": state.connector_id,
        "status": state.status,
        "error_code": state.error_code,
        "info": state.info,
        "status_at": state.status_at,
        "stale_since": state.stale_since,
        "condition": parts if state.connector_id > 0 else None,
    }


def _evidence(part: Part, now: datetime) -> dict[str, Any]:
    age_s = None if part.since is None else max(0, int((now - datetime.fromisoformat(part.since)).total_seconds()))
    return {"value": part.value, "source": part.source, "since": part.since, "age_s": age_s}
