"""One CALL of a charge point: from its checked payload to the payload of its answer, inside the writer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from edge.domain import meter_values
from edge.domain.meter_values import Readings
from edge.operations.from_charge_point import ROUTES
from edge.operations.from_charge_point.request import Request, Response
from edge.store import quarantine, transaction_frames
from edge.store.writer import WriteTx


def read_ahead(action: str, payload: dict[str, Any], now: datetime) -> Readings | None:
    """Do before the writer's turn what needs no database, so that its turn is short and other messages wait less.

    Returns:
        What `Request.readings` is; `None` also where reading failed: it fails again inside the writer, which knows how
        to keep a message whose handler fails.
    """
    try:
        return meter_values.read(payload.get("meterValue"), now) if action == "MeterValues" else None
    except Exception:  # noqa: BLE001 - any charge point may send anything
        return None


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Run the operation's handler; what had to be repaired, and what transactions are made of, is kept as it came."""
    if request.doubt is not None:
        quarantine.insert(tx.connection, request.charge_point, request.raw, request.doubt, now)
    if request.answer is not None:
        return request.answer
    response = ROUTES[request.action](request, tx, now)
    if request.action in transaction_frames.ACTIONS:
        transaction_frames.insert(tx.connection, request.charge_point, request.raw, response, now)
    return response
