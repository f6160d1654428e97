"""StatusNotification (OCPP 1.6 ed. 2 §4.9)."""

from __future__ import annotations

from datetime import datetime

from contract.events import ConnectorStatusChanged
from edge.domain import timestamps
from edge.domain.timestamps import iso
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.operations.from_charge_point.times import learn_offset
from edge.store import connectors, local_lists, upkeep_tasks
from edge.store.connectors import ConnectorState
from edge.store.upkeep_tasks import TaskKind
from edge.store.writer import WriteTx


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Keep the connector's state. A status closes no transaction: only the charge point's stop does."""
    payload = request.payload
    stamp = timestamps.read(payload.get("timestamp"), now)
    learn_offset(stamp, tx, request.charge_point, now)
    status_at = stamp.at
    state = ConnectorState(
        connector_id=payload["connectorId"],
        status=payload["status"],
        error_code=payload["errorCode"],
        info=payload.get("info"),
        vendor_error_code=payload.get("vendorErrorCode"),
        status_at=iso(status_at),
    )
    if state.error_code == "LocalListConflict":
        local_lists.doubt(tx.connection, request.charge_point)
        upkeep_tasks.demand(tx.connection, request.charge_point, TaskKind.LOCAL_LIST, now)
    if connectors.write(tx.connection, request.charge_point, state, now):
        tx.emit(
            ConnectorStatusChanged(
                charge_point=request.charge_point,
                connector_id=state.connector_id,
                status=state.status,
                error_code=state.error_code,
                info=state.info,
                vendor_error_code=state.vendor_error_code,
                status_at=status_at,
            ),
            subject=subject(request.charge_point),
            occurred_at=status_at,
        )
    return {}
