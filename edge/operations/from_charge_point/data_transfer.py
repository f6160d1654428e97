"""DataTransfer from a charge point (OCPP 1.6 ed. 2 §4.3)."""

from __future__ import annotations

from datetime import datetime

from contract.events import DataTransferReceived
from edge.domain.redaction import redact
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.store import quarantine
from edge.store.writer import WriteTx

LONGEST_DATA = 64 * 1024
"""Characters of a vendor's data that travel to the cloud."""


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Keep a vendor's message and say whether this site knows it."""
    vendor_id, message_id = request.payload["vendorId"], request.payload.get("messageId")
    messages = request.policy.known_vendor_messages.get(vendor_id)
    if messages is None:
        status = "UnknownVendorId"
    elif messages and message_id not in messages:
        status = "UnknownMessageId"
    else:
        status = "Accepted"
    data = request.payload.get("data")
    if data is not None and len(data) > LONGEST_DATA:
        reason = f"a data transfer of {len(data)} characters, cut to {LONGEST_DATA} for the cloud"
        quarantine.insert(tx.connection, request.charge_point, request.raw, reason, now)
        data = data[:LONGEST_DATA]
    tx.emit(
        DataTransferReceived(
            charge_point=request.charge_point,
            vendor_id=vendor_id,
            message_id=message_id,
            data=redact({"messageId": message_id, "data": data})["data"],
            status=status,
        ),
        subject=subject(request.charge_point),
        occurred_at=now,
    )
    return {"status": status}
