"""BootNotification (OCPP 1.6 ed. 2 §4.2)."""

from __future__ import annotations

from datetime import datetime, timedelta

from contract.events import ChargePointBooted
from edge.domain.registration import Registration, interval_s
from edge.domain.timestamps import iso
from edge.operations.from_charge_point import boot_consequences
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.store import charge_points, clocks
from edge.store.writer import WriteTx

WAIT_FOR_TIME_S = 30
LONGEST_WAIT_FOR_TIME = timedelta(minutes=3)


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Keep what the charge point is, and tell it whether it belongs here."""
    boot = request.payload
    known = charge_points.find(tx.connection, request.charge_point)
    registration = Registration.REJECTED if known is None else known.registration
    if registration is Registration.ACCEPTED and not request.authenticated:
        registration = Registration.PENDING  # accepted meanwhile: it has a key now, and must come back with it
    pending_for_time = registration is Registration.ACCEPTED and _time_is_worth_a_wait(tx, now)
    if pending_for_time:
        registration = Registration.PENDING
    if known is not None:
        boot_consequences.compare(tx, known, boot, now)
    charge_points.record_boot(tx.connection, request.charge_point, boot, now)
    if registration is Registration.ACCEPTED:
        boot_consequences.demand_upkeep(tx, request.charge_point, boot, request.policy, now)
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
        "interval": WAIT_FOR_TIME_S if pending_for_time else interval_s(registration, request.policy),
    }


def _time_is_worth_a_wait(tx: WriteTx, now: datetime) -> bool:
    """Whether the edge's own clock cannot be believed, and has not been given its minutes yet.

    A charge point copies the time that it is told into its records, so a wrong one is not handed out at once. After
    that it is accepted all the same: a site that does not charge is worse than a doubtful time.
    """
    clock = clocks.read_edge(tx.connection)
    if clock is None or clock.suspect_since is None:
        return False
    return now - clock.suspect_since < LONGEST_WAIT_FOR_TIME
