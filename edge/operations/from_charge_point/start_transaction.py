"""StartTransaction (OCPP 1.6 ed. 2 §4.8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from uuid_utils.compat import uuid7

from contract.events import TransactionStarted, TransactionStopped
from edge.domain import meter_values as readings
from edge.domain import timestamps
from edge.domain.authorisation import Decision, authorise_start
from edge.domain.timestamps import UNBELIEVED
from edge.domain.transaction import energy, estimate_meter_stop, start_key
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.store import id_tags, meter_values, transactions
from edge.store.database import LARGEST
from edge.store.transactions import Start, Stop, Transaction
from edge.store.writer import WriteTx


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Store the start, whatever the id tag is worth, and give it its number.

    A retry of the same start (under whatever message id, after whatever restart) gets the number that it got before.
    """
    start = _read(request, now)
    known = transactions.find_by_key(tx.connection, start.key)
    while known is not None and _is_another(known, start):
        start = replace(start, key=f"{start.key} after {known.transaction_id}")
        known = transactions.find_by_key(tx.connection, start.key)
    decision = _decide(start, tx, now)
    if known is not None:
        return {"transactionId": known.transaction_id, "idTagInfo": decision.id_tag_info()}
    start = replace(start, id_tag_status=decision.status, parent_id_tag=decision.parent_id_tag)
    _supersede(start, tx, now)
    transaction_id = transactions.insert(tx.connection, start, now)
    _emit(start, transaction_id, tx)
    return {"transactionId": transaction_id, "idTagInfo": decision.id_tag_info()}


def _read(request: Request, now: datetime) -> Start:
    """Read what is there; a field that is missing or absurd becomes a flag, never a refusal (§3.7.1)."""
    payload = request.payload
    connector_id, id_tag, meter_start = payload.get("connectorId"), payload.get("idTag"), payload.get("meterStart")
    started = timestamps.read(payload.get("timestamp"), now)
    flags = [] if started.flag is None else [started.flag]
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
    return Start(
        uuid=uuid7(),
        key=start_key(request.charge_point, connector_id, id_tag, payload.get("timestamp"), meter_start),
        charge_point=request.charge_point,
        connector_id=connector_id,
        id_tag=id_tag,
        id_tag_status="",
        parent_id_tag=None,
        meter_start_wh=meter_start_wh,
        started_at=started.at,
        reservation_id=reservation_id if isinstance(reservation_id, int) and 0 < reservation_id <= LARGEST else None,
        flags=flags,
    )


def _is_another(known: Transaction, start: Start) -> bool:
    """Whether a start that says the same as an older one is no retry of it.

    A charge point whose clock stands still says the same at each start of the same id tag on the same register. Its
    messages come in order (§3.7), so once the older one has ended no retry of its start can follow.
    """
    return not known.open and not UNBELIEVED.isdisjoint(start.flags)


def _decide(start: Start, tx: WriteTx, now: datetime) -> Decision:
    elsewhere = [
        f"{other.charge_point}, connector {other.connector_id}"
        for other in transactions.open_of_id_tag(tx.connection, start.id_tag)
        if (other.charge_point, other.connector_id) != (start.charge_point, start.connector_id)
    ]
    entry = id_tags.find(tx.connection, start.id_tag)
    return authorise_start(entry, now, charging_at=elsewhere[0] if elsewhere else None)


def _supersede(start: Start, tx: WriteTx, now: datetime) -> None:
    """Close what still runs on the same connector: its stop was lost, since one connector has one transaction.

    The order of arrival decides, not the clock: a charge point's transaction messages come in order (§3.7).
    """
    for older in transactions.open_at(tx.connection, start.charge_point):
        if older.connector_id == start.connector_id:
            _close_estimated(older, start, tx, now)


def _close_estimated(older: Transaction, start: Start, tx: WriteTx, now: datetime) -> None:
    metered = meter_values.newest_first(tx.connection, older)
    registers = (readings.register_wh(samples) for _, samples in metered)
    last_wh = next((register for register in registers if register is not None), None)
    meter_stop_wh = estimate_meter_stop(older.meter_start_wh, last_wh, start.meter_start_wh)
    worth = energy(older.meter_start_wh, meter_stop_wh)
    started_at = older.started_at or now
    stop = Stop(
        meter_stop_wh=meter_stop_wh,
        stopped_at=max(metered[0][0], started_at) if metered else started_at,
        reason="Other",
        energy_wh=worth.energy_wh,
        estimated=True,
        flags=[*older.flags, "superseded"],
    )
    transactions.close(tx.connection, older.transaction_id, stop, now)
    tx.emit(stopped_event(older, stop), subject=subject(older.charge_point), occurred_at=stop.stopped_at)


def stopped_event(transaction: Transaction, stop: Stop) -> TransactionStopped:
    """Tell the cloud how a transaction ended."""
    return TransactionStopped(
        transaction=transaction.uuid,
        transaction_id=transaction.transaction_id,
        charge_point=transaction.charge_point,
        connector_id=transaction.connector_id,
        id_tag=stop.id_tag,
        meter_stop_wh=stop.meter_stop_wh,
        stopped_at=stop.stopped_at,
        reason=stop.reason,
        energy_wh=stop.energy_wh,
        estimated=stop.estimated,
        flags=stop.flags,
    )


def _emit(start: Start, transaction_id: int, tx: WriteTx) -> None:
    tx.emit(
        TransactionStarted(
            transaction=start.uuid,
            transaction_id=transaction_id,
            charge_point=start.charge_point,
            connector_id=start.connector_id,
            id_tag=start.id_tag,
            id_tag_status=start.id_tag_status,
            parent_id_tag=start.parent_id_tag,
            meter_start_wh=start.meter_start_wh,
            started_at=start.started_at,
            reservation_id=start.reservation_id,
            flags=start.flags,
        ),
        subject=subject(start.charge_point),
        occurred_at=start.started_at,
    )
