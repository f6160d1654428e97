"""Transactions whose stop is missing: suspected, closed provisionally, ended by hand, or proven gone."""

from __future__ import annotations

from datetime import datetime

from edge.domain.connector import IN_USE
from edge.domain.orphans import SIGNS, SILENT, Patience, Seen, Sign, sign
from edge.ocpp16.quirks import quirks_of
from edge.operations.estimated_end import close_estimated
from edge.store import charge_points, connectors, meter_values, transaction_changes, transactions
from edge.store.charge_points import ChargePoint
from edge.store.transactions import Transaction
from edge.store.writer import WriteTx

AVAILABLE = "Available"
LOST_STOP, GONE, BY_HAND = "lost_stop", "unknown_to_charge_point", "closed_by_operator"


def sweep(tx: WriteTx, now: datetime, patience: Patience) -> None:
    """Move every running transaction on that time or a new sign moves."""
    for transaction in transactions.all_open(tx.connection):
        found = _sign(transaction, tx, now, patience)
        number = transaction.transaction_id
        if transaction.suspect_since is None or transaction.suspect_why is None:
            if found is not None:
                transaction_changes.suspect(tx.connection, number, now, found.why)
        elif transaction.suspect_why in SIGNS and found is None:
            transaction_changes.drop_suspicion(tx.connection, number)
        elif now - transaction.suspect_since >= patience.of(transaction.suspect_why):
            ended_at = found.since if found is not None else transaction.suspect_since
            close_estimated(transaction, tx, now, closed_by=LOST_STOP, ended_at=ended_at)


def close_by_hand(transaction: Transaction, tx: WriteTx, now: datetime, *, operator: str) -> None:
    """End a running transaction because a person says so; its charge point's own stop still wins."""
    transaction_changes.keep_trace(tx.connection, transaction, "closed", operator, now)
    close_estimated(transaction, tx, now, closed_by=f"{BY_HAND}:{operator}", ended_at=transaction.suspect_since or now)


def rejected_stop(charge_point: str, transaction_id: int, tx: WriteTx, now: datetime) -> None:
    """Take a RemoteStopTransaction.conf Rejected for what it mostly is: the charge point does not know the number.

    Where its connector is in use all the same, it may have refused for a reason of its own: then it is a suspicion.
    """
    transaction = transactions.find(tx.connection, transaction_id)
    if transaction is None or transaction.charge_point != charge_point or not transaction.open:
        return
    status = connectors.status(tx.connection, charge_point, transaction.connector_id or 0)
    silent = status == AVAILABLE and _available_says_nothing(charge_points.find(tx.connection, charge_point))
    if status not in IN_USE and not silent:
        close_estimated(transaction, tx, now, closed_by=GONE, ended_at=transaction.suspect_since)
    elif transaction.suspect_since is None:
        transaction_changes.suspect(tx.connection, transaction_id, now, "remote_stop_rejected")


def _sign(transaction: Transaction, tx: WriteTx, now: datetime, patience: Patience) -> Sign | None:
    point = charge_points.find(tx.connection, transaction.charge_point)
    status = connectors.find(tx.connection, transaction.charge_point, transaction.connector_id or 0)
    says_nothing = status is not None and status.status == AVAILABLE and _available_says_nothing(point)
    started = max((at for at in (transaction.start_received_at, transaction.alive_at) if at is not None), default=None)
    seen = Seen(
        started=started,
        status=None if status is None or not transaction.connector_id or says_nothing else status.status,
        status_at=None if status is None else _instant(status.received_at),
        booted_at=None if point is None else _instant(point.booted_at),
        heard_at=None if point is None else _instant(point.last_seen_at),
    )
    found = sign(seen, now, patience)
    if found is not None and found.why == SILENT and transaction.suspect_why != SILENT:
        newest = meter_values.newest_at(tx.connection, transaction.charge_point, since=now - patience.silent)
        return None if newest else found
    return found


def _available_says_nothing(point: ChargePoint | None) -> bool:
    """Whether it is of a kind that reports Available with a car plugged in."""
    return point is not None and quirks_of(point.vendor, point.model, point.firmware_version).available_with_car


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
