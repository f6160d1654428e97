"""Authorize (OCPP 1.6 ed. 2 §4.1)."""

from __future__ import annotations

from datetime import datetime

from contract.events import AuthorizationDecided
from edge.operations.authorising import decide, id_tag_info
from edge.operations.from_charge_point.request import Request, Response
from edge.store import authorizations
from edge.store.writer import WriteTx


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Decide on an id tag from the site's own directory, and keep the decision."""
    id_tag = request.payload["idTag"]
    decision = decide(tx, id_tag, now)
    authorizations.insert(
        tx.connection, decision, now, charge_point=request.charge_point, action=request.action, id_tag=id_tag
    )
    tx.emit(
        AuthorizationDecided(
            charge_point=request.charge_point, id_tag=id_tag, status=decision.status, reason=decision.reason
        ),
        subject=f"id-tag/{id_tag}",
        occurred_at=now,
    )
    return {"idTagInfo": id_tag_info(decision, now, request.policy)}
