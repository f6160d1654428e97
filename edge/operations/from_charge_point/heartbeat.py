"""Heartbeat (OCPP 1.6 ed. 2 §4.6)."""

from __future__ import annotations

from datetime import datetime

from edge.domain.timestamps import iso
from edge.operations.from_charge_point.request import Request, Response
from edge.store import charge_points
from edge.store.writer import WriteTx


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Tell the time, and remember that the charge point lives."""
    charge_points.record_seen(tx.connection, request.charge_point, now)
    return {"currentTime": iso(now)}
