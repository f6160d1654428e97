"""Transactions that the cloud tells of after a restore, and what was observed of them before it could."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from contract.link import KnownTransaction
from edge.ocpp16.quirks import STANDARD, Quirks, quirks_of
from edge.operations.from_charge_point import late_start
from edge.store import charge_points, known_transactions, observed, transaction_changes, transactions
from edge.store.transaction_changes import Stop
from edge.store.transactions import State, Transaction
from edge.store.writer import WriteTx


def take_over(tx: WriteTx, known: Iterable[KnownTransaction], now: datetime) -> None:
    """Store what is not here. What was observed of it meanwhile, under its number, is its part and no other's.

    Charge points go on metering while a restored or re-imaged edge has not heard of the cloud yet. Harmless when
    repeated.
    """
    told = list(known)
    known_transactions.take_over(tx.connection, told, now)
    for one in told:
        ours = transactions.find_by_uuid(tx.connection, one.transaction)
        if ours is not None and (seen := _observed(tx, one)) is not None:
            _merge(seen, ours, tx, now)


def _observed(tx: WriteTx, known: KnownTransaction) -> Transaction | None:
    """What was observed at the same connector under the same number, and did not begin after its end."""
    if known.connector_id is None:
        return None
    ended_at = known.stopped_at
    for seen in transactions.observed_at(tx.connection, known.charge_point, known.connector_id):
        began_after = ended_at is not None and seen.started_at is not None and seen.started_at > ended_at
        if seen.station_transaction_id == known.transaction_id and not began_after:
            return seen
    return None


def _merge(seen: Transaction, ours: Transaction, tx: WriteTx, now: datetime) -> None:
    """Count what was observed in the transaction itself; a stop that its charge point told before is its stop."""
    ends = ours.open and seen.state is State.CLOSED
    late_start.take_in(seen, ours, tx, now)
    observed.call_it(tx.connection, ours.transaction_id, None)  # its own number is the one that the edge knows it by
    if not ends or seen.stopped_at is None:
        return
    stop = Stop(
        meter_stop_wh=seen.meter_stop_wh,
        stopped_at=seen.stopped_at,
        reason=seen.reason or "Other",
        energy_wh=None,
        id_tag=seen.stop_id_tag,
        flags=[*ours.flags, *(flag for flag in seen.flags if flag not in late_start.OF_OBSERVING)],
    )
    transaction_changes.close(tx.connection, ours.transaction_id, stop, now)
    late_start.count_anew(ours.transaction_id, tx, now, _quirks(tx, ours.charge_point))


def _quirks(tx: WriteTx, charge_point: str) -> Quirks:
    known = charge_points.find(tx.connection, charge_point)
    return STANDARD if known is None else quirks_of(known.vendor, known.model, known.firmware_version)
