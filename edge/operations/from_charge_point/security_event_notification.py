"""SecurityEventNotification ("Improved security for OCPP 1.6-J" A04).

Some charge points queue it before a StartTransaction, so it is always answered; what is merged is the record of it.
"""

from __future__ import annotations

from datetime import datetime

from contract.events import SecurityEventRecorded
from edge.domain.redaction import redact_text
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.store import security_tallies
from edge.store.security_tallies import Tally
from edge.store.writer import WriteTx

UNNAMED = "(none)"


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Record the event, whatever its type: the list of §3 is open."""
    kind, detail = request.payload.get("type") or UNNAMED, redact_text(request.payload.get("techInfo") or "")
    tally = security_tallies.count(tx.connection, request.charge_point, kind, detail, now)
    if tally is not None:
        _emit(tx, tally, now)
    return {}


def flush(tx: WriteTx, now: datetime) -> None:
    """Tell what was merged and has waited for its minute."""
    for tally in security_tallies.due(tx.connection, now):
        _emit(tx, tally, now)


def _emit(tx: WriteTx, tally: Tally, now: datetime) -> None:
    event = SecurityEventRecorded(
        kind=tally.kind,
        charge_point=tally.charge_point,
        detail=tally.detail,
        count=tally.count,
        reported_by_charge_point=True,
    )
    tx.emit(event, subject=subject(tally.charge_point), occurred_at=now)
