"""StopTransaction (OCPP 1.6 ed. 2 §4.10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from uuid_utils.compat import uuid7

from edge.domain import timestamps
from edge.domain.authorisation import authorise, same_group
from edge.domain.timestamps import UNBELIEVED
from edge.domain.transaction import REASONS, doubts_of_stop, energy, stop_key
from edge.operations.from_charge_point import meter_values
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.operations.from_charge_point.start_transaction import stopped_event
from edge.store import id_tags, quarantine, transactions
from edge.store.database import LARGEST
from edge.store.transactions import Stop, Transaction
from edge.store.writer import WriteTx


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Store the end of a transaction. Never refused: a charge point that cannot place its stop repeats it for ever."""
    report = _read(request, now)
    transaction = _find(request, report, tx)
    if transaction.open or transaction.estimated:
        _close(request, report, transaction, tx, now)
    elif _differs(transaction, report):
        transactions.add_flag(tx.connection, transaction, "second_stop_differs")
        quarantine.insert(tx.connection, request.charge_point, request.raw, "a second stop that differs", now)
    meter_values.record(
        request, tx, now, request.payload.get("transactionData"), transaction.connector_id or 0, transaction
    )
    if report.id_tag is None:
        return {}
    return {"idTagInfo": authorise(id_tags.find(tx.connection, report.id_tag), now).id_tag_info()}


@dataclass(frozen=True, slots=True)
class _Report:
    """What the charge point says about the end."""

    transaction_id: int | None
    meter_stop_wh: int | None
    stopped_at: datetime
    id_tag: str | None
    reason: str
    flags: list[str]


def _read(request: Request, now: datetime) -> _Report:
    payload = request.payload
    stopped = timestamps.read(payload.get("timestamp"), now)
    flags = [] if stopped.flag is None else [stopped.flag]
    transaction_id, meter_stop = payload.get("transactionId"), payload.get("meterStop")
    id_tag, reason = payload.get("idTag"), payload.get("reason", "Local")
    if reason not in REASONS:
        flags.append("unknown_reason")
    return _Report(
        transaction_id=transaction_id if isinstance(transaction_id, int) and abs(transaction_id) <= LARGEST else None,
        meter_stop_wh=meter_stop if isinstance(meter_stop, int) and 0 <= meter_stop <= LARGEST else None,
        stopped_at=stopped.at,
        id_tag=id_tag if isinstance(id_tag, str) else None,
        reason=reason if isinstance(reason, str) else "Other",
        flags=flags,
    )


def _find(request: Request, report: _Report, tx: WriteTx) -> Transaction:
    """Find whose end this is; a stop that belongs nowhere becomes a transaction of its own."""
    if report.transaction_id is not None and report.transaction_id > 0:
        named = transactions.find(tx.connection, report.transaction_id)
        if named is not None and named.charge_point == request.charge_point:
            return named
    elif (match := _match_unnumbered(request, report, tx)) is not None:
        return match
    return _orphan(request, report, tx)


def _match_unnumbered(request: Request, report: _Report, tx: WriteTx) -> Transaction | None:
    """Place a stop without a usable id: the charge point never got one (errata §3.18), or knows only one."""
    running = [
        candidate
        for candidate in transactions.open_at(tx.connection, request.charge_point)
        if (candidate.meter_start_wh or 0) <= (report.meter_stop_wh or 0)
        and (candidate.started_at is None or candidate.started_at <= report.stopped_at)
    ]
    if not running or _believed(report):
        last = transactions.last_stopped(tx.connection, request.charge_point)
        if last is not None and last.started_at is not None and not _differs(last, report):
            return last  # the same stop again: its answer was lost
    of_the_tag = [
        candidate
        for candidate in running
        if report.id_tag is not None and (candidate.id_tag or "").casefold() == report.id_tag.casefold()
    ]
    for candidates in (of_the_tag, running):
        if len(candidates) == 1:
            return candidates[0]
    return None


def _orphan(request: Request, report: _Report, tx: WriteTx) -> Transaction:
    """Make a transaction of which only the end is known, once per stop however often it is repeated."""
    payload = request.payload
    key = stop_key(
        request.charge_point, payload.get("transactionId"), payload.get("timestamp"), payload.get("meterStop")
    )
    known = transactions.find_by_key(tx.connection, key)
    if known is None:
        number = transactions.insert_orphan(tx.connection, uuid7(), key, request.charge_point, report.transaction_id)
        known = transactions.find(tx.connection, number)
        if known is None:
            raise LookupError(number)
    return known


def _close(request: Request, report: _Report, transaction: Transaction, tx: WriteTx, now: datetime) -> None:
    worth = energy(transaction.meter_start_wh, report.meter_stop_wh)
    flags = [*transaction.flags, *report.flags, *doubts_of_stop(transaction.started_at, report.stopped_at, now)]
    if worth.flag is not None:
        flags.append(worth.flag)
    if transaction.started_at is None:
        flags.append("start_unknown")
    if transaction.estimated:
        flags.append("estimate_replaced")
    if report.id_tag is not None and not _may_stop(transaction, report.id_tag, tx):
        flags.append("stopped_by_other_id_tag")
    stop = Stop(
        meter_stop_wh=report.meter_stop_wh,
        stopped_at=report.stopped_at,
        reason=report.reason,
        energy_wh=worth.energy_wh,
        id_tag=report.id_tag,
        flags=list(dict.fromkeys(flags)),
    )
    transactions.close(tx.connection, transaction.transaction_id, stop, now)
    tx.emit(stopped_event(transaction, stop), subject=subject(request.charge_point), occurred_at=stop.stopped_at)


def _may_stop(transaction: Transaction, id_tag: str, tx: WriteTx) -> bool:
    """Whether the id tag that stopped it started it, or shares its parent. The stop counts in any case."""
    if transaction.id_tag is None or transaction.id_tag.casefold() == id_tag.casefold():
        return True
    entry = id_tags.find(tx.connection, id_tag)
    return entry is not None and same_group(entry.parent_id_tag, transaction.parent_id_tag)


def _differs(transaction: Transaction, report: _Report) -> bool:
    """Whether this is another stop than the one that is known."""
    stopped_at = report.stopped_at.replace(microsecond=report.stopped_at.microsecond // 1000 * 1000)
    return (transaction.meter_stop_wh, transaction.stopped_at, transaction.reason) != (
        report.meter_stop_wh,
        stopped_at if _believed(report) else transaction.stopped_at,
        report.reason,
    )


def _believed(report: _Report) -> bool:
    """Whether the time is the charge point's own, not that of the receipt."""
    return UNBELIEVED.isdisjoint(report.flags)
