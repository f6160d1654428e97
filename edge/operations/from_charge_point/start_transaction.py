"""StartTransaction (OCPP 1.6 ed. 2 §4.8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from uuid_utils.compat import uuid7

from contract.events import TransactionStarted
from edge.domain.authorisation import Decision, Elsewhere
from edge.domain.timestamps import UNBELIEVED
from edge.domain.transaction import EndedTwin, is_history, is_retry_of, start_key
from edge.operations import remote_starts
from edge.operations.authorising import decide, id_tag_info
from edge.operations.estimated_end import close_estimated
from edge.operations.from_charge_point import late_start
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.operations.from_charge_point.times import read_time
from edge.store import authorizations, charge_points, energy_limits, transaction_changes, transactions
from edge.store.database import LARGEST
from edge.store.transaction_changes import Start
from edge.store.transactions import State, Transaction
from edge.store.writer import WriteTx


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Store the start, whatever the id tag is worth, and give it its number.

    A retry of the same start (under whatever message id, after whatever restart) gets the number that it got before.
    """
    start = _read(request, tx, now)
    known = transactions.find_by_key(tx.connection, start.key)
    retried = known if known is not None and _repeats(known, start) else None
    past = request.quirks.replays_history and is_history(start.started_at, now)
    decision = _decide(start, tx, now, retried, past=past)
    info = id_tag_info(decision, now, request.policy)
    if retried is not None:
        return {"transactionId": retried.transaction_id, "idTagInfo": info}
    start = replace(
        start,
        id_tag_status=decision.status,
        id_tag_reason=None if decision.accepted else decision.reason,
        parent_id_tag=decision.parent_id_tag,
    )
    seen = late_start.find(start, tx, now)
    if seen is None:
        _supersede(start, tx, now, past=past)
        transaction_id = transaction_changes.insert(tx.connection, start, now)
    else:
        start, transaction_id = late_start.adopt(seen, start, tx, now), seen.transaction_id
        if seen.open:
            _supersede(start, tx, now, past=past, but=transaction_id)
    authorizations.insert(
        tx.connection,
        decision,
        now,
        charge_point=request.charge_point,
        action=request.action,
        id_tag=start.id_tag,
        transaction_id=transaction_id,
    )
    if decision.limit_wh is not None:
        energy_limits.put(tx.connection, transaction_id, decision.limit_wh)
    _emit(start, transaction_id, tx)
    if seen is not None:
        late_start.count_anew(transaction_id, tx, now, request.quirks)
    remote_starts.fulfil(tx, start, transaction_id, now, believed=UNBELIEVED.isdisjoint(start.flags))
    return {"transactionId": transaction_id, "idTagInfo": info}


def _read(request: Request, tx: WriteTx, now: datetime) -> Start:
    """Read what is there; a field that is missing or absurd becomes a flag, never a refusal (§3.7.1)."""
    payload = request.payload
    connector_id, id_tag, meter_start = payload.get("connectorId"), payload.get("idTag"), payload.get("meterStart")
    started = read_time(payload.get("timestamp"), tx, request.charge_point, now, doubted=request.clock_doubted)
    flags = list(started.flags)
    if not isinstance(connector_id, int) or not 1 <= connector_id <= LARGEST:
        connector_id = 0
        flags.append("odd_connector")
    if not isinstance(id_tag, str):
        id_tag = ""
        flags.append("no_id_tag")
    if not isinstance(meter_start, int) or not 0 <= meter_start <= LARGEST:
        flags.append("no_baseline")
        meter_start_wh = None
    else:
        meter_start_wh = meter_start
    reservation_id = payload.get("reservationId")
    boots = None if UNBELIEVED.isdisjoint(flags) else charge_points.boots(tx.connection, request.charge_point)
    return Start(
        uuid=uuid7(),
        key=start_key(request.charge_point, connector_id, id_tag, payload.get("timestamp"), meter_start, boots),
        charge_point=request.charge_point,
        connector_id=connector_id,
        id_tag=id_tag,
        id_tag_status="",
        parent_id_tag=None,
        meter_start_wh=meter_start_wh,
        started_at=started.at,
        started_at_raw=started.raw,
        reservation_id=reservation_id if isinstance(reservation_id, int) and 0 < reservation_id <= LARGEST else None,
        flags=flags,
    )


def _repeats(known: Transaction, start: Start) -> bool:
    """Whether a start that says the same as an older one is its retry. While the older one runs, it always is."""
    if known.state is not State.CLOSED or known.stopped_at is None:
        return True
    twin = EndedTwin(known.started_at, known.stopped_at, known.meter_start_wh, known.meter_stop_wh)
    return is_retry_of(twin, believed=UNBELIEVED.isdisjoint(start.flags))


def _decide(start: Start, tx: WriteTx, now: datetime, retried: Transaction | None, *, past: bool) -> Decision:
    """Decide on the id tag. A transaction that is probably over blocks nobody; neither does its own connector's.

    Nor does one that came after the start which is told again: it was there first, and its answer was lost.
    Of a past that is told again nothing is asked of the present.
    """
    elsewhere = [
        Elsewhere(other.charge_point, other.connector_id, other.started_at)
        for other in transactions.open_of_id_tag(tx.connection, start.id_tag)
        if (other.charge_point, other.connector_id) != (start.charge_point, start.connector_id)
        and other.state is State.OPEN
        and not past
        and (retried is None or other.transaction_id < retried.transaction_id)
    ]
    return decide(tx, start.id_tag, now, elsewhere=elsewhere[0] if elsewhere else None)


def _supersede(start: Start, tx: WriteTx, now: datetime, *, past: bool, but: int | None = None) -> None:
    """Close what still runs on the same connector: its stop was lost, since one connector has one transaction.

    The order of arrival decides, not the clock: a charge point's transaction messages come in order (§3.7). Only a past
    that is told again ends nothing that began after it.
    """
    for older in transactions.open_at(tx.connection, start.charge_point):
        begun_since = past and older.started_at is not None and older.started_at > start.started_at
        if older.connector_id == start.connector_id and older.transaction_id != but and not begun_since:
            close_estimated(older, tx, now, closed_by="superseded", next_meter_start_wh=start.meter_start_wh)


def _emit(start: Start, transaction_id: int, tx: WriteTx) -> None:
    tx.emit(
        TransactionStarted(
            transaction=start.uuid,
            transaction_id=transaction_id,
            charge_point=start.charge_point,
            connector_id=start.connector_id,
            id_tag=start.id_tag,
            id_tag_status=start.id_tag_status,
            id_tag_reason=start.id_tag_reason,
            parent_id_tag=start.parent_id_tag,
            meter_start_wh=start.meter_start_wh,
            started_at=start.started_at,
            reservation_id=start.reservation_id,
            flags=start.flags,
        ),
        subject=subject(start.charge_point),
        occurred_at=start.started_at,
    )
