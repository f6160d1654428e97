"""Charging transactions. Rows are never deleted by a message, and a charge point's own word wins over an estimate."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from edge.domain.timestamps import iso


@dataclass(frozen=True, slots=True)
class Transaction:
    """One row."""

    transaction_id: int
    """Unique at this site for ever; what the charge point was told."""
    uuid: UUID
    charge_point: str
    connector_id: int | None
    station_transaction_id: int | None
    """What the charge point called it, where that differs."""
    id_tag: str | None
    id_tag_status: str | None
    parent_id_tag: str | None
    meter_start_wh: int | None
    started_at: datetime | None
    meter_stop_wh: int | None
    stopped_at: datetime | None
    stop_id_tag: str | None
    reason: str | None
    energy_wh: int | None
    estimated: bool
    flags: list[str]

    @property
    def open(self) -> bool:
        """Whether it is running as far as the edge knows."""
        return self.stopped_at is None


@dataclass(frozen=True, slots=True)
class Start:
    """What a start writes."""

    uuid: UUID
    key: str
    charge_point: str
    connector_id: int
    id_tag: str
    id_tag_status: str
    parent_id_tag: str | None
    meter_start_wh: int | None
    started_at: datetime
    reservation_id: int | None
    flags: list[str]


@dataclass(frozen=True, slots=True)
class Stop:
    """What an end writes."""

    meter_stop_wh: int | None
    stopped_at: datetime
    reason: str
    energy_wh: int | None
    id_tag: str | None = None
    estimated: bool = False
    flags: list[str] = field(default_factory=list)


def insert(connection: sqlite3.Connection, start: Start, now: datetime) -> int:
    """Store a start and give it its number, which is never given again."""
    cursor = connection.execute(
        """INSERT INTO charging_transaction (uuid, start_key, charge_point, connector_id, id_tag, id_tag_status,
               parent_id_tag, meter_start_wh, started_at, start_received_at, reservation_id, flags)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            str(start.uuid),
            start.key,
            start.charge_point,
            start.connector_id,
            start.id_tag,
            start.id_tag_status,
            start.parent_id_tag,
            start.meter_start_wh,
            iso(start.started_at),
            iso(now),
            start.reservation_id,
            orjson.dumps(start.flags).decode(),
        ),
    )
    return _given(cursor)


def insert_orphan(
    connection: sqlite3.Connection, uuid: UUID, key: str, charge_point: str, station_transaction_id: int | None
) -> int:
    """Store a transaction of which only the stop arrived; `close` fills in the rest."""
    cursor = connection.execute(
        "INSERT INTO charging_transaction (uuid, start_key, charge_point, station_transaction_id) VALUES (?, ?, ?, ?)",
        (str(uuid), key, charge_point, station_transaction_id),
    )
    return _given(cursor)


def close(connection: sqlite3.Connection, transaction_id: int, stop: Stop, now: datetime) -> None:
    """Write the end of a transaction over whatever end was known."""
    connection.execute(
        """UPDATE charging_transaction SET meter_stop_wh = ?, stopped_at = ?, stop_received_at = ?, stop_id_tag = ?,
               reason = ?, energy_wh = ?, estimated = ?, flags = ? WHERE transaction_id = ?""",
        (
            stop.meter_stop_wh,
            iso(stop.stopped_at),
            iso(now),
            stop.id_tag,
            stop.reason,
            stop.energy_wh,
            stop.estimated,
            orjson.dumps(stop.flags).decode(),
            transaction_id,
        ),
    )


def add_flag(connection: sqlite3.Connection, transaction: Transaction, flag: str) -> None:
    """Note a doubt on a transaction, once."""
    if flag not in transaction.flags:
        connection.execute(
            "UPDATE charging_transaction SET flags = ? WHERE transaction_id = ?",
            (orjson.dumps([*transaction.flags, flag]).decode(), transaction.transaction_id),
        )


def find(connection: sqlite3.Connection, transaction_id: int) -> Transaction | None:
    """Look one up by its number."""
    return _one(connection, "transaction_id = ?", transaction_id)


def find_by_uuid(connection: sqlite3.Connection, uuid: UUID) -> Transaction | None:
    """Look one up by its identity."""
    return _one(connection, "uuid = ?", str(uuid))


def find_by_key(connection: sqlite3.Connection, key: str) -> Transaction | None:
    """Look one up by what its first message said."""
    return _one(connection, "start_key = ?", key)


def open_at(connection: sqlite3.Connection, charge_point: str) -> list[Transaction]:
    """List the running transactions of a charge point, oldest first."""
    return _many(connection, "charge_point = ? AND stopped_at IS NULL ORDER BY transaction_id", charge_point)


def open_of_id_tag(connection: sqlite3.Connection, id_tag: str) -> list[Transaction]:
    """List the running transactions of an id tag, oldest first."""
    return _many(connection, "id_tag = ? AND stopped_at IS NULL ORDER BY transaction_id", id_tag)


def last_stopped(connection: sqlite3.Connection, charge_point: str) -> Transaction | None:
    """Find the transaction of a charge point whose stop arrived last; an estimated end is no stop."""
    return _one(
        connection,
        """charge_point = ? AND stopped_at IS NOT NULL AND NOT estimated
           ORDER BY stop_received_at DESC, transaction_id DESC LIMIT 1""",
        charge_point,
    )


def page(
    connection: sqlite3.Connection,
    *,
    before: int | None = None,
    limit: int = 100,
    charge_point: str | None = None,
    id_tag: str | None = None,
    running: bool | None = None,
) -> list[Transaction]:
    """List transactions, newest number first.

    Args:
        connection: to read through.
        before: only those with a smaller number; `None`: from the newest.
        limit: at most so many.
        charge_point: only those of this charge point.
        id_tag: only those begun with this id tag, whatever its case.
        running: only the running ones, or only the ended ones.
    """
    wanted = {"transaction_id < ?": before, "charge_point = ?": charge_point, "id_tag = ?": id_tag}
    conditions = [condition for condition, value in wanted.items() if value is not None]
    if running is not None:
        conditions.append("stopped_at IS NULL" if running else "stopped_at IS NOT NULL")
    values = [value for value in wanted.values() if value is not None]
    where = " AND ".join(conditions) or "TRUE"
    return _many(connection, f"{where} ORDER BY transaction_id DESC LIMIT ?", *values, limit)


def _given(cursor: sqlite3.Cursor) -> int:
    if cursor.lastrowid is None:
        raise sqlite3.InterfaceError("SQLite gave no row id")
    return cursor.lastrowid


def _one(connection: sqlite3.Connection, where: str, *values: Any) -> Transaction | None:  # noqa: ANN401 - SQL values
    found = _many(connection, where, *values)
    return found[0] if found else None


def _many(connection: sqlite3.Connection, where: str, *values: Any) -> list[Transaction]:  # noqa: ANN401 - SQL values
    rows = connection.execute(f"SELECT * FROM charging_transaction WHERE {where}", values)  # noqa: S608 - own text
    return [transaction(row) for row in rows]


def transaction(row: sqlite3.Row) -> Transaction:
    """Read a row of `SELECT * FROM charging_transaction`."""
    return Transaction(
        transaction_id=row["transaction_id"],
        uuid=UUID(row["uuid"]),
        charge_point=row["charge_point"],
        connector_id=row["connector_id"],
        station_transaction_id=row["station_transaction_id"],
        id_tag=row["id_tag"],
        id_tag_status=row["id_tag_status"],
        parent_id_tag=row["parent_id_tag"],
        meter_start_wh=row["meter_start_wh"],
        started_at=_instant(row["started_at"]),
        meter_stop_wh=row["meter_stop_wh"],
        stopped_at=_instant(row["stopped_at"]),
        stop_id_tag=row["stop_id_tag"],
        reason=row["reason"],
        energy_wh=row["energy_wh"],
        estimated=bool(row["estimated"]),
        flags=orjson.loads(row["flags"]),
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
