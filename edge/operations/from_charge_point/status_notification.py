"""StatusNotification (OCPP 1.6 ed. 2 §4.9)."""

from __future__ import annotations

from datetime import datetime, timedelta

from contract.events import ConnectorStatusChanged
from edge.domain.alarms import AlarmKind
from edge.domain.connector import OF_THE_WHOLE, is_late, is_odd
from edge.domain.timestamps import Timestamp, iso
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.operations.from_charge_point.times import learn_offset, read_stamp
from edge.store import alarms, charge_points, clocks, connectors, local_lists, quarantine, status_changes, upkeep_tasks
from edge.store.connectors import ConnectorState
from edge.store.upkeep_tasks import TaskKind
from edge.store.writer import WriteTx

MOST_CONNECTORS = 1_000
"""More than any charge point has; a number above it gets no row, for they would be without end."""
NO_ERROR = "NoError"
CONFLICT = "LocalListConflict"
CONFLICTS_APART = timedelta(hours=1)
"""Between a local list and the next one for the same conflict: each is written to the charge point's flash."""


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Keep the connector's state. A status closes no transaction: only the charge point's stop does."""
    payload, charge_point = request.payload, request.charge_point
    if payload["connectorId"] > MOST_CONNECTORS:
        reason = f"a connector above {MOST_CONNECTORS} is none"
        quarantine.insert(tx.connection, charge_point, request.raw, reason, now)
        return {}
    stamp = read_stamp(payload.get("timestamp"), now, doubted=request.clock_doubted)
    status_at = stamp.at
    state = ConnectorState(
        connector_id=payload["connectorId"],
        status=payload["status"],
        error_code=payload["errorCode"],
        info=payload.get("info"),
        vendor_error_code=payload.get("vendorErrorCode"),
        status_at=iso(status_at),
    )
    if state.connector_id == 0 and state.status not in OF_THE_WHOLE and state.error_code == NO_ERROR:
        return {}  # some let the charge point itself prepare or charge, which says nothing
    known = connectors.find(tx.connection, charge_point, state.connector_id)
    if state.error_code == CONFLICT:
        _send_the_list_again(tx, charge_point, now, repeated=known is not None and known.error_code == CONFLICT)
    if known is not None and _tells_of_the_past(stamp, known, tx, charge_point, now):
        return {}
    learn_offset(stamp, tx, charge_point, now)
    connectors.write(tx.connection, charge_point, state, now)
    if known is not None and state.connector_id > 0 and is_odd(known.status, state.status):
        status_changes.count_odd(tx.connection, charge_point, known.status, state.status, now)
    if state.says_more_than(known):
        tx.emit(
            ConnectorStatusChanged(
                charge_point=charge_point,
                connector_id=state.connector_id,
                status=state.status,
                error_code=state.error_code,
                info=state.info,
                vendor_error_code=state.vendor_error_code,
                status_at=status_at,
            ),
            subject=subject(charge_point),
            occurred_at=status_at,
        )
    return {}


def _send_the_list_again(tx: WriteTx, charge_point: str, now: datetime, *, repeated: bool) -> None:
    """Ask for a full local list. A conflict that the last list has not ended, another would not end either."""
    local_lists.doubt(tx.connection, charge_point)
    due_at = now
    if repeated:
        if TaskKind.LOCAL_LIST in upkeep_tasks.standing(tx.connection, charge_point):
            return
        sent_at = local_lists.changed_at(tx.connection, charge_point)
        due_at = now if sent_at is None else max(now, min(sent_at, now) + CONFLICTS_APART)
    upkeep_tasks.demand(tx.connection, charge_point, TaskKind.LOCAL_LIST, due_at)


def _tells_of_the_past(stamp: Timestamp, known: ConnectorState, tx: WriteTx, charge_point: str, now: datetime) -> bool:
    """Whether a later status is known already, as when a charge point sends what it queued after what is now.

    Not after a boot, which begins anew, and not where a clock is not believed: there the order of arrival decides.
    """
    if stamp.flag is not None or iso(stamp.at) >= known.status_at:
        return False
    known_at, received_at = datetime.fromisoformat(known.status_at), datetime.fromisoformat(known.received_at)
    if not is_late(stamp.at, known_at, received_at, now) or clocks.edge_suspect(tx.connection):
        return False
    its_row = charge_points.find(tx.connection, charge_point)
    booted_since = its_row is not None and (its_row.booted_at or "") > known.received_at
    return not booted_since and not alarms.stands(tx.connection, AlarmKind.CLOCK_SUSPECT, charge_point)
