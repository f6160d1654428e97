"""The energy of a transaction that its charge point has ended. The samples are asked only where the readings fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import orjson

from edge.domain.energy import Account, Point, contradicts, energy, from_samples
from edge.domain.timestamps import UNBELIEVED, iso
from edge.ocpp16.quirks import Quirks
from edge.operations.from_charge_point.stop_report import Report
from edge.store import meter_values, quarantine
from edge.store.transactions import Transaction
from edge.store.writer import WriteTx

NEAR_THE_END = timedelta(minutes=10)
"""How far back the last sample is looked for at each stop: a few thousand rows at most, whatever the site's size."""


def account(transaction: Transaction, report: Report, tx: WriteTx, now: datetime, quirks: Quirks) -> Account:
    """Find what a transaction delivered, and what its register said at the end.

    Args:
        transaction: which.
        report: what its charge point says of its end.
        tx: the database transaction.
        now: the time of receipt.
        quirks: what is known of its charge point. Samples that count from the start contradict no register.
    """
    begin, flags = transaction.meter_start_wh, []
    if begin is None and transaction.baseline_wh is not None:
        begin, flags = transaction.baseline_wh, ["baseline_from_sample"]
    plain = energy(begin, report.meter_stop_wh, _lasted(transaction, report), quirks.meter_tolerance_wh)
    if plain.flag is None and (quirks.samples_relative or not _contradicted(transaction, report, begin, tx)):
        return Account(plain.energy_wh, report.meter_stop_wh, flags)
    ended = _ended(transaction, report)
    summed = from_samples(
        (transaction.started_at, begin),
        (report.stopped_at, report.meter_stop_wh),
        meter_values.points(tx.connection, ended),
    )
    for outlier in summed.outliers:
        _set_aside(outlier, transaction, tx, now)
    flags += [*([plain.flag] if plain.flag is not None else []), *summed.flags]
    end_wins = "meter_stop_from_transaction_end" in summed.flags
    return Account(summed.energy_wh, summed.meter_stop_wh if end_wins else report.meter_stop_wh, flags)


def _lasted(transaction: Transaction, report: Report) -> timedelta | None:
    """Say how long it took, where both times are the charge point's own."""
    if transaction.started_at is None or not report.believed or not UNBELIEVED.isdisjoint(transaction.flags):
        return None
    lasted = report.stopped_at - transaction.started_at
    return lasted if lasted >= timedelta(0) else None


def _contradicted(transaction: Transaction, report: Report, begin: int | None, tx: WriteTx) -> bool:
    if "register_below_start" in transaction.flags:
        return True
    since = report.stopped_at - NEAR_THE_END
    if transaction.started_at is not None and since < transaction.started_at:
        since = transaction.started_at
    near = meter_values.points(tx.connection, _ended(transaction, report), since=since)
    metered = [point for point in near if point.register_wh is not None and point.at <= report.stopped_at]
    return bool(metered) and contradicts(begin, report.meter_stop_wh, metered[-1])


def _ended(transaction: Transaction, report: Report) -> Transaction:
    """Bound what belongs to it by the end that is being reported."""
    if transaction.started_at is not None and report.stopped_at < transaction.started_at:
        return transaction
    return replace(transaction, stopped_at=report.stopped_at)


def _set_aside(outlier: Point, transaction: Transaction, tx: WriteTx, now: datetime) -> None:
    sample = {
        "transactionId": transaction.transaction_id,
        "timestamp": iso(outlier.at),
        "register_wh": outlier.register_wh,
    }
    reason = "a register reading that no connector can deliver was left out"
    quarantine.insert(tx.connection, transaction.charge_point, orjson.dumps(sample), reason, now)
