"""Whose end a StopTransaction tells (errata §3.18: a charge point that never got a number sends one of its own)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from uuid_utils.compat import uuid7

from edge.domain.transaction import stop_key
from edge.operations.from_charge_point.stop_report import Report, differs
from edge.store import transaction_changes, transactions
from edge.store.transactions import Transaction
from edge.store.writer import WriteTx


def find(
    charge_point: str,
    payload: Mapping[str, Any],
    report: Report,
    tx: WriteTx,
    now: datetime,
    tolerance_wh: int = 0,
) -> tuple[Transaction, list[str]]:
    """Find whose end this is; a stop that belongs nowhere becomes a transaction of its own.

    Args:
        charge_point: who sent it.
        payload: as it came.
        report: what it says.
        tx: the database transaction.
        now: the time of receipt.
        tolerance_wh: by how much its register may lie below the start's, since the charge point rounds.

    Returns:
        The transaction, and doubts about having found it.
    """
    number = report.transaction_id
    if number is not None and number > 0:
        named = transactions.find(tx.connection, number)
        if named is not None and named.charge_point == charge_point:
            return named, []
        observed = transactions.find_by_station_number(tx.connection, charge_point, number)
        if observed is not None:
            return observed, []
        doubts = [] if named is None else ["number_of_another_charge_point"]
        return _orphan(charge_point, payload, report, tx, now), doubts
    match = _match_unnumbered(charge_point, report, tx, tolerance_wh)
    return (match, ["matched_without_number"]) if match else (_orphan(charge_point, payload, report, tx, now), [])


def _match_unnumbered(charge_point: str, report: Report, tx: WriteTx, tolerance_wh: int) -> Transaction | None:
    """Place a stop without a usable id: the charge point never got one, or knows only one transaction."""
    running = [
        candidate
        for candidate in transactions.open_at(tx.connection, charge_point)
        if (candidate.meter_start_wh or 0) <= (report.meter_stop_wh or 0) + tolerance_wh
        and (candidate.started_at is None or candidate.started_at <= report.stopped_at)
    ]
    if not running or report.believed:
        last = transactions.last_stopped(tx.connection, charge_point)
        if last is not None and last.started_at is not None and not differs(last, report):
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


def _orphan(charge_point: str, payload: Mapping[str, Any], report: Report, tx: WriteTx, now: datetime) -> Transaction:
    """Make a transaction of which only the end is known, once per stop however often it is repeated."""
    key = stop_key(charge_point, payload.get("transactionId"), payload.get("timestamp"), payload.get("meterStop"))
    known = transactions.find_by_key(tx.connection, key)
    if known is None:
        number = transaction_changes.insert_orphan(
            tx.connection, uuid7(), key, charge_point, report.transaction_id, now
        )
        known = transactions.find(tx.connection, number)
        if known is None:
            raise LookupError(number)
    return known
