"""Transactions that the cloud tells of, since this edge's disk is new, or older than they are. No event goes up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime

import orjson
import structlog

from contract.link import KnownTransaction
from edge.domain.timestamps import iso
from edge.domain.transaction import start_key
from edge.store import transaction_changes, transactions
from edge.store.transaction_changes import Stop

_log = structlog.get_logger()
_BY = "the cloud, after this edge was restored"


def take_over(connection: sqlite3.Connection, known: Iterable[KnownTransaction], now: datetime) -> int:
    """Store those that are not here, and end those that run here and have ended in the cloud. Harmless when repeated.

    What this edge knows itself stays as it is: its own word is newer, and goes up.

    Returns:
        How many were stored or ended.
    """
    return sum(_take_over(connection, one, now) for one in known)


def _take_over(connection: sqlite3.Connection, known: KnownTransaction, now: datetime) -> bool:
    ours = transactions.find_by_uuid(connection, known.transaction)
    if ours is not None:
        if not ours.open or known.stopped_at is None:
            return False
        transaction_changes.keep_trace(connection, ours, "ended in the cloud", _BY, now)
        _end(connection, ours.transaction_id, known, now)
        return True
    if transactions.find(connection, known.transaction_id) is not None:
        _log.error("transaction_number_taken", transaction_id=known.transaction_id, uuid=str(known.transaction))
        return False
    _insert(connection, known, now)
    _end(connection, known.transaction_id, known, now)
    return True


def _insert(connection: sqlite3.Connection, known: KnownTransaction, now: datetime) -> None:
    began = None if known.started_at is None else iso(known.started_at)
    connection.execute(
        """INSERT INTO charging_transaction (transaction_id, uuid, start_key, start_said, charge_point, connector_id,
               id_tag, id_tag_status, parent_id_tag, meter_start_wh, started_at, start_received_at, reservation_id,
               flags)
           VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)""",
        (
            known.transaction_id,
            str(known.transaction),
            _said(known, began),
            known.charge_point,
            known.connector_id,
            known.id_tag,
            known.id_tag_status,
            known.parent_id_tag,
            known.meter_start_wh,
            began,
            iso(now),
            known.reservation_id,
            orjson.dumps(known.flags).decode(),
        ),
    )


def _said(known: KnownTransaction, began: str | None) -> str | None:
    """What its start said, so that a repetition is recognised; `None`: the cloud does not know it whole."""
    if known.connector_id is None or known.id_tag is None or began is None or known.meter_start_wh is None:
        return None
    return start_key(known.charge_point, known.connector_id, known.id_tag, began, known.meter_start_wh)


def _end(connection: sqlite3.Connection, transaction_id: int, known: KnownTransaction, now: datetime) -> None:
    if known.stopped_at is None:
        return
    stop = Stop(
        meter_stop_wh=known.meter_stop_wh,
        stopped_at=known.stopped_at,
        reason=known.reason or "Other",
        energy_wh=known.energy_wh,
        id_tag=known.stop_id_tag,
        estimated=known.estimated,
        flags=known.flags,
        closed_by=_BY if known.estimated else None,
    )
    transaction_changes.close(connection, transaction_id, stop, now)
