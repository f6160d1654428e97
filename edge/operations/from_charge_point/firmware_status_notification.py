"""FirmwareStatusNotification (OCPP 1.6 ed. 2 §4.5)."""

from __future__ import annotations

from datetime import datetime

from contract.events import FirmwareStatusChanged
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.store import file_exchange, firmwares
from edge.store.file_exchange import Purpose
from edge.store.writer import WriteTx


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Pass the progress of a firmware update on. Once it has the file, its path ends."""
    status = request.payload["status"]
    firmwares.note_status(tx.connection, request.charge_point, status)
    if status == "Downloaded":
        file_exchange.revoke(tx.connection, request.charge_point, Purpose.FIRMWARE)
    tx.emit(
        FirmwareStatusChanged(charge_point=request.charge_point, status=status),
        subject=subject(request.charge_point),
        occurred_at=now,
    )
    return {}
