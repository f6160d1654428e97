"""Ending a transaction whose stop is missing: the best estimate, marked as one, until its charge point says better."""

from __future__ import annotations

from datetime import datetime

from contract.events import TransactionStopped
from edge.domain.energy import energy, from_samples
from edge.domain.transaction import estimate_meter_stop
from edge.store import meter_values, transaction_changes
from edge.store.transaction_changes import Stop
from edge.store.transactions import Transaction
from edge.store.writer import WriteTx


def close_estimated(
    transaction: Transaction,
    tx: WriteTx,
    now: datetime,
    *,
    closed_by: str,
    next_meter_start_wh: int | None = None,
    ended_at: datetime | None = None,
) -> None:
    """Close a running transaction provisionally.

    Its register at the end is, in this order: its last sample, the next start on its connector, its own start (then it
    delivered nothing). It ended with its last sample, or when its connector was last seen in use, never "now".

    Args:
        transaction: which is running.
        tx: the database transaction.
        now: the time of the decision.
        closed_by: the signal or the person; becomes a flag, too.
        next_meter_start_wh: the register at the next start on the same connector; `None`: there is none.
        ended_at: when its connector showed that it was over; `None`: it did not.
    """
    begin = transaction.meter_start_wh if transaction.meter_start_wh is not None else transaction.baseline_wh
    points = meter_values.points(tx.connection, transaction)
    account = from_samples((transaction.started_at, begin), (None, None), points)
    meter_stop_wh = estimate_meter_stop(begin, account.meter_stop_wh, next_meter_start_wh)
    worth = energy(begin, meter_stop_wh)
    flags = [*transaction.flags, closed_by.partition(":")[0]]
    if transaction.meter_start_wh is None and begin is not None:
        flags.append("baseline_from_sample")
    if worth.flag is not None:
        flags.append(worth.flag)
    energy_wh = worth.energy_wh
    of_samples = {"register_reset", "energy_from_power"}
    if next_meter_start_wh is None:  # else two readings of the register itself are known
        of_samples.add("samples_of_another_register")
    if account.energy_wh is not None and of_samples & set(account.flags):
        energy_wh = account.energy_wh
        flags += account.flags
    began_at = transaction.started_at or now
    metered_at = max((point.at for point in points), default=None)
    stop = Stop(
        meter_stop_wh=meter_stop_wh,
        stopped_at=max(began_at, metered_at or ended_at or began_at),
        reason="Other",
        energy_wh=energy_wh,
        estimated=True,
        flags=list(dict.fromkeys(flags)),
        closed_by=closed_by,
    )
    transaction_changes.close(tx.connection, transaction.transaction_id, stop, now)
    tx.emit(
        stopped_event(transaction, stop),
        subject=f"charge-point/{transaction.charge_point}",
        occurred_at=stop.stopped_at,
    )


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
