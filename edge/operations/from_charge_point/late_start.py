"""A transaction that was observed in meter values before its start arrived: what was metered counts once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from edge.domain import late_start, timestamps
from edge.domain.late_start import Beginning
from edge.domain.timestamps import UNBELIEVED
from edge.ocpp16.quirks import Quirks
from edge.operations.estimated_end import close_estimated, stopped_event
from edge.operations.from_charge_point import accounting, metered_transaction
from edge.operations.from_charge_point.request import subject
from edge.operations.from_charge_point.stop_report import Report
from edge.store import meter_values, observed, transaction_changes, transactions
from edge.store.transaction_changes import Start, Stop
from edge.store.transactions import State, Transaction
from edge.store.writer import WriteTx

METERED_BEFORE = "metered_before_start"
PART = "part_of_another"
OF_OBSERVING = {"observed", "baseline_from_sample"}


def find(start: Start, tx: WriteTx, now: datetime) -> Transaction | None:
    """Find the observed transaction that a start begins; `None`: the start begins a transaction of its own.

    What a running transaction took for its own before is given back first, where this start shows that it was not.
    """
    believed, at = UNBELIEVED.isdisjoint(start.flags), _own_time(start.started_at_raw, start.started_at, now)
    if believed:
        for older in transactions.open_at(tx.connection, start.charge_point):
            if older.connector_id == start.connector_id:
                give_back(older, at, tx, now)
    begun, off = Beginning(at, start.meter_start_wh), start.started_at - at
    place = (start.charge_point, start.connector_id)
    for seen in reversed(transactions.observed_at(tx.connection, start.charge_point, start.connector_id)):
        if seen.started_at is None:
            continue
        first = Beginning(seen.started_at, seen.baseline_wh)
        if not late_start.begins(begun, first, believed=believed, running=seen.open):
            continue
        until = seen.started_at + off
        if not believed or not transactions.any_began_between(tx.connection, place, start.started_at, until):
            return seen
    return None


def adopt(seen: Transaction, start: Start, tx: WriteTx, now: datetime) -> Start:
    """Make an observed transaction the one that the start begins. An end that is known already is counted anew.

    Returns:
        The start as it is kept: under the identity that the observed transaction had.
    """
    flags = [*start.flags, *(flag for flag in seen.flags if flag not in OF_OBSERVING), METERED_BEFORE]
    below = (
        seen.baseline_wh is not None and start.meter_start_wh is not None and seen.baseline_wh < start.meter_start_wh
    )
    if below:
        flags.append("register_below_start")
    start = replace(start, uuid=seen.uuid, flags=list(dict.fromkeys(flags)))
    if not seen.open:
        transaction_changes.keep_trace(tx.connection, seen, "start_arrived", seen.charge_point, now)
    observed.adopt(tx.connection, seen.transaction_id, start, now)
    return start


def count_anew(number: int, tx: WriteTx, now: datetime, quirks: Quirks) -> None:
    """Find what a transaction delivered that had ended before its start arrived. For one that runs nothing is done."""
    begun = transactions.find(tx.connection, number)
    if begun is None or begun.stopped_at is None:
        return
    if begun.state is State.PROVISIONALLY_CLOSED:
        close_estimated(begun, tx, now, closed_by=begun.closed_by or "superseded", ended_at=begun.stopped_at)
        return
    reason = begun.reason or "Other"
    report = Report(
        transaction_id=number,
        meter_stop_wh=begun.meter_stop_wh,
        stopped_at=begun.stopped_at,
        stopped_at_raw=None,
        believed=True,
        id_tag=begun.stop_id_tag,
        reason=reason,
        flags=[],
    )
    worth = accounting.account(begun, report, tx, now, quirks)
    flags = list(dict.fromkeys([*begun.flags, *worth.flags]))
    observed.count_anew(tx.connection, number, worth.energy_wh, worth.meter_stop_wh, flags)
    stop = Stop(worth.meter_stop_wh, begun.stopped_at, reason, worth.energy_wh, begun.stop_id_tag, flags=flags)
    tx.emit(stopped_event(begun, stop), subject=subject(begun.charge_point), occurred_at=begun.stopped_at)


def settle(transaction: Transaction, report: Report, tx: WriteTx, now: datetime) -> Transaction:
    """Let a transaction's own stop tell what was observed of it, and what of another, before its energy is counted."""
    if not report.believed or transaction.connector_id is None:
        return transaction
    ended_at = _own_time(report.stopped_at_raw, report.stopped_at, now)
    give_back(transaction, ended_at, tx, now)
    if transaction.started_at is not None and "observed" not in transaction.flags:
        for seen in transactions.observed_at(tx.connection, transaction.charge_point, transaction.connector_id):
            if _within(seen, transaction, report, off=report.stopped_at - ended_at):
                take_in(seen, transaction, tx, now)
    return transactions.find(tx.connection, transaction.transaction_id) or transaction


def give_back(transaction: Transaction, before: datetime, tx: WriteTx, now: datetime) -> None:
    """Observe on its own what was metered before a start, if that transaction was over by then.

    A charge point that was away tells its transactions in order, while it meters the last of them: the first start
    that fits takes what was metered, and its stop, or the next start, shows that it was too early for it.

    Args:
        transaction: that may have taken it.
        before: when it had certainly ended, by the charge point's own clock.
        tx: the database transaction.
        now: the time of receipt.
    """
    named = transaction.station_transaction_id
    if METERED_BEFORE not in transaction.flags or named is None or transaction.connector_id is None:
        return
    first = meter_values.first_of(tx.connection, transaction)
    if first is None or not late_start.ended_before(before, datetime.fromisoformat(first)):
        return
    flags = [flag for flag in transaction.flags if flag != METERED_BEFORE]
    observed.forget_samples(tx.connection, transaction, flags)
    place = (transaction.charge_point, transaction.connector_id)
    apart = metered_transaction.observe(place, named, datetime.fromisoformat(first), tx, now)
    if apart is not None:
        meter_values.move(tx.connection, transaction, apart.transaction_id)
        if transaction.baseline_wh is not None:
            transaction_changes.keep_baseline(tx.connection, apart.transaction_id, transaction.baseline_wh)


def _within(seen: Transaction, transaction: Transaction, report: Report, *, off: timedelta) -> bool:
    """Whether what was observed lies between the two ends of a transaction of the same connector.

    `off` is what the times of the transaction were corrected by, other than those of samples.
    """
    if seen.started_at is None or transaction.started_at is None:
        return False
    if not transaction.started_at <= seen.started_at + off <= report.stopped_at:
        return False
    begin, end, register = transaction.meter_start_wh, report.meter_stop_wh, seen.baseline_wh
    return begin is None or end is None or register is None or begin <= register <= end


def take_in(seen: Transaction, transaction: Transaction, tx: WriteTx, now: datetime) -> None:
    """Count what was observed as a part of the transaction in which it lies."""
    meter_values.move(tx.connection, seen, transaction.transaction_id)
    transaction_changes.keep_trace(tx.connection, seen, PART, seen.charge_point, now)
    stop = Stop(
        meter_stop_wh=seen.baseline_wh,
        stopped_at=seen.stopped_at or seen.started_at or now,
        reason=seen.reason or "Other",
        energy_wh=0,
        id_tag=seen.stop_id_tag,
        estimated=seen.open or seen.estimated,
        flags=list(dict.fromkeys([*seen.flags, PART])),
        closed_by=PART,
    )
    transaction_changes.close(tx.connection, seen.transaction_id, stop, now)
    observed.call_it(tx.connection, seen.transaction_id, None)
    if transaction.station_transaction_id is None:
        observed.call_it(tx.connection, transaction.transaction_id, seen.station_transaction_id)
    tx.emit(stopped_event(seen, stop), subject=subject(seen.charge_point), occurred_at=stop.stopped_at)


def _own_time(raw: str | None, corrected: datetime, now: datetime) -> datetime:
    """Give the time as the charge point's clock had it: its samples are not corrected either."""
    return corrected if raw is None else timestamps.read(raw, now).at
