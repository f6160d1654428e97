"""What meter values say about the transaction that they name: whose they are, that it lives, where it began."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from uuid_utils.compat import uuid7

from contract.events import TransactionReopened, TransactionStarted
from edge.domain import timestamps
from edge.domain.connector import IN_USE
from edge.domain.meter_values import Reading, register_wh
from edge.domain.timestamps import iso
from edge.ocpp16.quirks import Quirks
from edge.operations.from_charge_point.request import Request, subject
from edge.store import connectors, observed, transaction_changes, transactions
from edge.store.transactions import State, Transaction
from edge.store.writer import WriteTx


def find(request: Request, named: int, tx: WriteTx, now: datetime) -> Transaction | None:
    """Find the transaction that a message names, or begin to observe it.

    Returns:
        The transaction; `None`: the number is nobody's here, and nothing shows that it runs.
    """
    transaction = transactions.find(tx.connection, named)
    if transaction is not None and transaction.charge_point == request.charge_point:
        return transaction
    connector_id = request.payload.get("connectorId")
    met = transactions.find_by_station_number(
        tx.connection, request.charge_point, named, connector_id if isinstance(connector_id, int) else None
    )
    if met is not None:
        return met
    return _meet(request, named, tx, now)


def learn(transaction: Transaction, readings: Sequence[Reading], tx: WriteTx, now: datetime, quirks: Quirks) -> None:
    """Draw what follows from values of a transaction. For one that is in order nothing does.

    Args:
        transaction: whose.
        readings: the values.
        tx: the database transaction.
        now: the time of receipt.
        quirks: what is known of its charge point. Samples that count from the start say nothing of the register.
    """
    if not readings:
        return
    if transaction.stopped_at is not None:
        _reopen_if_wrong(transaction, readings[-1], tx, now)
        return
    if transaction.suspect_since is not None:
        transaction_changes.clear_suspicion(tx.connection, transaction.transaction_id, now)
    register = None if quirks.samples_relative else register_wh(readings[0].samples)
    if register is None:
        return
    if transaction.meter_start_wh is None:
        if transaction.baseline_wh is None:
            transaction_changes.keep_baseline(tx.connection, transaction.transaction_id, register)
    elif register < transaction.meter_start_wh - quirks.meter_tolerance_wh:
        transaction_changes.add_flag(tx.connection, transaction, "register_below_start")


def _meet(request: Request, named: int, tx: WriteTx, now: datetime) -> Transaction | None:
    """Meet a number that this edge never gave: it was restored, or another central system was here before.

    Nothing is stopped. On a connector that charges it is observed from its first sample on; beside a transaction that
    the edge believes to run there, it is the sign that this one is over.
    """
    connector_id, charge_point = request.payload.get("connectorId"), request.charge_point
    values = request.payload.get("meterValue")
    if not isinstance(connector_id, int) or connector_id < 1 or not values or not isinstance(values[0], dict):
        return None
    running = [one for one in transactions.open_at(tx.connection, charge_point) if one.connector_id == connector_id]
    for one in running:
        if one.suspect_since is None:
            transaction_changes.suspect(tx.connection, one.transaction_id, now, "another_transaction_is_metered")
    if running or connectors.status(tx.connection, charge_point, connector_id) not in IN_USE:
        return None
    started_at = timestamps.read(values[0].get("timestamp"), now).at
    return observe((charge_point, connector_id), named, started_at, tx, now)


def observe(place: tuple[str, int], named: int, started_at: datetime, tx: WriteTx, now: datetime) -> Transaction | None:
    """Begin to observe a transaction of a connector, by the number that its charge point gives it."""
    uuid = uuid7()
    number = observed.insert(tx.connection, uuid, place, named, started_at, now)
    event = TransactionStarted(
        transaction=uuid,
        transaction_id=number,
        charge_point=place[0],
        connector_id=place[1],
        id_tag="",
        id_tag_status="",
        meter_start_wh=None,
        started_at=started_at,
        flags=["observed"],
    )
    tx.emit(event, subject=subject(place[0]), occurred_at=started_at)
    return transactions.find(tx.connection, number)


def _reopen_if_wrong(transaction: Transaction, last: Reading, tx: WriteTx, now: datetime) -> None:
    """Take an end back that was the edge's own, when its charge point goes on metering. Its own stop stays its stop."""
    if transaction.state is not State.PROVISIONALLY_CLOSED or transaction.stopped_at is None:
        return
    place = (transaction.charge_point, transaction.connector_id or 0)
    if last.sampled_at <= iso(transaction.stopped_at) or transaction.stop_received_at is None:
        return
    if last.sampled_at <= iso(transaction.stop_received_at) or connectors.status(tx.connection, *place) not in IN_USE:
        return
    newest = transactions.last_at(tx.connection, *place)
    if newest is None or newest.transaction_id != transaction.transaction_id:
        return
    transaction_changes.keep_trace(tx.connection, transaction, "reopened", transaction.charge_point, now)
    transaction_changes.reopen(tx.connection, transaction, now)
    event = TransactionReopened(
        transaction=transaction.uuid,
        transaction_id=transaction.transaction_id,
        charge_point=transaction.charge_point,
        connector_id=transaction.connector_id,
        why="Its charge point went on metering it after the edge had closed it.",
    )
    tx.emit(event, subject=subject(transaction.charge_point), occurred_at=now)
