"""BootNotification (OCPP 1.6 ed. 2 §4.2)."""

from __future__ import annotations

from datetime import datetime

from contract.events import ChargePointBooted
from edge.domain.registration import Registration, interval_s
from edge.domain.timestamps import iso
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.store import charge_points
from edge.store.writer import WriteTx


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Keep what the charge point is, and tell it whether it belongs here."""
    boot = request.payload
    known = charge_points.find(tx.connection, request.charge_point)
    registration = Registration.REJECTED if known is None else known.registration
    if registration is Registration.ACCEPTED and not request.authenticated:
        registration = Registration.PENDING  # accepted meanwhile: it has a key now, and must come back with it
    charge_points.record_boot(tx.connection, request.charge_point, boot, now)
    tx.emit(
        ChargePointBooted(
            charge_point=request.charge_point,
            registration_status=registration,
            vendor=boot["chargePointVendor"],
            model=boot["chargePointModel"],
            serial_number=boot.get("chargePointSerialNumber") or boot.get("chargeBoxSerialNumber"),
            firmware_version=boot.get("firmwareVersion"),
        ),
        subject=subject(request.charge_point),
        occurred_at=now,
    )
    return {
        "status": registration.value,
        "currentTime": iso(now),
        "interval": interval_s(registration, request.policy),
    }
