"""FirmwareStatusNotification (OCPP 1.6 ed. 2 §4.5)."""

from __future__ import annotations

from datetime import datetime

from contract.events import FirmwareStatusChanged
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.store.writer import WriteTx


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Pass the progress of a firmware update on."""
    tx.emit(
        FirmwareStatusChanged(charge_point=request.charge_point, status=request.payload["status"]),
        subject=subject(request.charge_point),
        occurred_at=now,
    )
    return {}
