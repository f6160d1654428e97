"""StopTransaction (OCPP 1.6 ed. 2 §4.10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from edge.domain import meter_values as readings
from edge.domain.authorisation import authorise, cache_until, same_group
from edge.domain.timestamps import UNBELIEVED
from edge.domain.transaction import REASONS, doubts_of_stop
from edge.operations.estimated_end import stopped_event
from edge.operations.from_charge_point import accounting, late_start, meter_values
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.operations.from_charge_point.stop_matching import find
from edge.operations.from_charge_point.stop_report import Report, differs
from edge.operations.from_charge_point.times import read_time
from edge.store import id_tags, quarantine, transaction_changes
from edge.store.database import LARGEST
from edge.store.transaction_changes import Stop
from edge.store.transactions import Transaction
from edge.store.writer import WriteTx


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Store the end of a transaction. Never refused: a charge point that cannot place its stop repeats it for ever."""
    report = _read(request, tx, now)
    transaction, doubts = find(
        request.charge_point, request.payload, report, tx, now, request.quirks.meter_tolerance_wh
    )
    read = readings.read(request.payload.get("transactionData"), now)
    meter_values.record(request, tx, now, read, transaction.connector_id or 0, transaction, known=True)
    if transaction.open or transaction.estimated:
        _close(request, replace(report, flags=[*report.flags, *doubts]), transaction, tx, now)
    elif differs(transaction, report):
        transaction_changes.add_flag(tx.connection, transaction, "second_stop_differs")
        quarantine.insert(tx.connection, request.charge_point, request.raw, "a second stop that differs", now)
    if report.id_tag is None:
        return {}
    decision = authorise(id_tags.find(tx.connection, report.id_tag), now)
    return {"idTagInfo": decision.id_tag_info(cache_until(now, request.policy.cache_days))}


def _read(request: Request, tx: WriteTx, now: datetime) -> Report:
    payload = request.payload
    stopped = read_time(payload.get("timestamp"), tx, request.charge_point, now, doubted=request.clock_doubted)
    flags = list(stopped.flags)
    transaction_id, meter_stop = payload.get("transactionId"), payload.get("meterStop")
    id_tag, reason = payload.get("idTag"), payload.get("reason", "Local")
    if reason not in REASONS:
        flags.append("unknown_reason")
    return Report(
        transaction_id=transaction_id if isinstance(transaction_id, int) and abs(transaction_id) <= LARGEST else None,
        meter_stop_wh=meter_stop if isinstance(meter_stop, int) and 0 <= meter_stop <= LARGEST else None,
        stopped_at=stopped.at,
        stopped_at_raw=stopped.raw,
        believed=UNBELIEVED.isdisjoint(flags),
        id_tag=id_tag if isinstance(id_tag, str) else None,
        reason=reason if isinstance(reason, str) else "Other",
        flags=flags,
    )


def _close(request: Request, report: Report, transaction: Transaction, tx: WriteTx, now: datetime) -> None:
    transaction = late_start.settle(transaction, report, tx, now)
    worth = accounting.account(transaction, report, tx, now, request.quirks)
    flags = [*transaction.flags, *report.flags, *doubts_of_stop(transaction.started_at, report.stopped_at, now)]
    flags += worth.flags
    if transaction.started_at is None:
        flags.append("start_unknown")
    if transaction.estimated:
        flags.append("estimate_replaced")
        by = request.charge_point
        transaction_changes.keep_trace(tx.connection, transaction, "estimate_replaced", by, now)
    if report.id_tag is not None and not _may_stop(transaction, report.id_tag, tx):
        flags.append("stopped_by_other_id_tag")
    stop = Stop(
        meter_stop_wh=worth.meter_stop_wh,
        stopped_at=report.stopped_at,
        stopped_at_raw=report.stopped_at_raw,
        reason=report.reason,
        energy_wh=worth.energy_wh,
        id_tag=report.id_tag,
        flags=list(dict.fromkeys(flags)),
    )
    transaction_changes.close(tx.connection, transaction.transaction_id, stop, now)
    tx.emit(stopped_event(transaction, stop), subject=subject(request.charge_point), occurred_at=stop.stopped_at)


def _may_stop(transaction: Transaction, id_tag: str, tx: WriteTx) -> bool:
    """Whether the id tag that stopped it started it, or shares its parent. The stop counts in any case."""
    if transaction.id_tag is None or transaction.id_tag.casefold() == id_tag.casefold():
        return True
    entry = id_tags.find(tx.connection, id_tag)
    return entry is not None and same_group(entry.parent_id_tag, transaction.parent_id_tag)
