"""SignCertificate ("Improved security for OCPP 1.6-J" A02 and A03)."""

from __future__ import annotations

from datetime import datetime

from edge.operations.from_charge_point.request import Request, Response
from edge.store.writer import WriteTx


def handle(_request: Request, _tx: WriteTx, _now: datetime) -> Response:
    """Reject: this edge signs no certificates yet."""
    return {"status": "Rejected"}
