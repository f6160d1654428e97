"""One CALL of a charge point: from its checked payload to the payload of its answer, inside the writer."""

from __future__ import annotations

from datetime import datetime

from edge.operations.from_charge_point import ROUTES
from edge.operations.from_charge_point.request import Request, Response
from edge.store import quarantine, transaction_frames
from edge.store.writer import WriteTx


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
