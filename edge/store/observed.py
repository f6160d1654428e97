"""Transactions that were seen in meter values alone, and what becomes of them when their start arrives after all."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from uuid import UUID

import orjson

from edge.domain.timestamps import iso
from edge.store.transaction_changes import Start
from edge.store.transactions import Transaction


def insert(
    connection: sqlite3.Connection,
    uuid: UUID,
    place: tuple[str, int],
    station_transaction_id: int,
    started_at: datetime,
    now: datetime,
) -> int:
    """Store a transaction that is seen in meter values alone: its start never arrived, or a restored edge forgot it.

    Args:
        connection: the writer's.
        uuid: its identity.
        place: charge point and connector.
        station_transaction_id: what the charge point calls it.
        started_at: its first sample.
        now: the time of receipt.
    """
    cursor = connection.execute(
        """INSERT INTO charging_transaction (uuid, start_key, charge_point, connector_id, station_transaction_id,
               started_at, start_received_at, flags) VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)""",
        (str(uuid), *place, station_transaction_id, iso(started_at), iso(now), '["observed"]'),
    )
    number = cursor.lastrowid
    if number is None:
        raise LookupError(uuid)
    return number


def adopt(connection: sqlite3.Connection, transaction_id: int, start: Start, now: datetime) -> None:
    """Fill in the start of an observed transaction; its number, its identity and its end stay."""
    connection.execute(
        """UPDATE charging_transaction SET
               start_key = iif(EXISTS (SELECT 1 FROM charging_transaction WHERE start_key = ?2), uuid, ?2),
               start_said = ?2, id_tag = ?3, id_tag_status = ?4, id_tag_reason = ?5, parent_id_tag = ?6,
               meter_start_wh = ?7, started_at = ?8, started_at_raw = ?9, start_received_at = ?10,
               reservation_id = ?11, flags = ?12, suspect_since = NULL, suspect_why = NULL
           WHERE transaction_id = ?1""",
        (
            transaction_id,
            start.key,
            start.id_tag,
            start.id_tag_status,
            start.id_tag_reason,
            start.parent_id_tag,
            start.meter_start_wh,
            iso(start.started_at),
            start.started_at_raw,
            iso(now),
            start.reservation_id,
            orjson.dumps(start.flags).decode(),
        ),
    )


def count_anew(
    connection: sqlite3.Connection,
    transaction_id: int,
    energy_wh: int | None,
    meter_stop_wh: int | None,
    flags: list[str],
) -> None:
    """Write what an ended transaction delivered, now that its start is known."""
    connection.execute(
        "UPDATE charging_transaction SET energy_wh = ?, meter_stop_wh = ?, flags = ? WHERE transaction_id = ?",
        (energy_wh, meter_stop_wh, orjson.dumps(flags).decode(), transaction_id),
    )


def call_it(connection: sqlite3.Connection, transaction_id: int, station_transaction_id: int | None) -> None:
    """Note by which number of its own a charge point names a transaction; `None`: by none."""
    connection.execute(
        "UPDATE charging_transaction SET station_transaction_id = ? WHERE transaction_id = ?",
        (station_transaction_id, transaction_id),
    )


def forget_samples(connection: sqlite3.Connection, transaction: Transaction, flags: list[str]) -> None:
    """Note that what was observed was another transaction's."""
    connection.execute(
        """UPDATE charging_transaction SET station_transaction_id = NULL, baseline_wh = NULL, flags = ?
           WHERE transaction_id = ?""",
        (orjson.dumps(flags).decode(), transaction.transaction_id),
    )
