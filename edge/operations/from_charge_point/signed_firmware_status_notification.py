"""SignedFirmwareStatusNotification ("Improved security for OCPP 1.6-J" L01)."""

from __future__ import annotations

from datetime import datetime

from contract.events import FirmwareStatusChanged
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.store.writer import WriteTx


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Pass the progress of a signed firmware update on."""
    status, number = request.payload.get("status", "Unknown"), request.payload.get("requestId")
    tx.emit(
        FirmwareStatusChanged(charge_point=request.charge_point, status=status, request_id=number),
        subject=subject(request.charge_point),
        occurred_at=now,
    )
    return {}
