"""Everything that changes a charging transaction. A known end that is written over leaves a trace of what it was."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import orjson

from edge.domain.timestamps import iso
from edge.store.transactions import Transaction

LARGEST_SEED = 2_100_000_000
"""A clock that says more than this (the year 2036) seeds no numbers: OCPP's integer ends at 2,147,483,647."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a start writes."""

    uuid: UUID
    key: str
    """What it says, in one form (`domain.transaction.start_key`)."""
    charge_point: str
    connector_id: int
    id_tag: str
    id_tag_status: str
    parent_id_tag: str | None
    meter_start_wh: int | None
    started_at: datetime
    reservation_id: int | None
    flags: list[str]
    id_tag_reason: str | None = None
    """Why the id tag was refused; `None`: it was not."""
    started_at_raw: str | None = None
    """The time as the charge point wrote it."""


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
    stopped_at_raw: str | None = None
    closed_by: str | None = None
    """Who ended it instead of its charge point; `None`: the charge point did."""


@dataclass(frozen=True, slots=True)
class Change:
    """One trace."""

    changed_at: str
    what: str
    changed_by: str
    before: str
    """JSON: what was known of the end until then."""


def insert(connection: sqlite3.Connection, start: Start, now: datetime) -> int:
    """Store a start and give it its number, which is never given again."""
    cursor = connection.execute(
        """INSERT INTO charging_transaction (uuid, start_key, start_said, charge_point, connector_id, id_tag,
               id_tag_status, id_tag_reason, parent_id_tag, meter_start_wh, started_at, started_at_raw,
               start_received_at, reservation_id, flags)
           VALUES (?1, iif(EXISTS (SELECT 1 FROM charging_transaction WHERE start_key = ?2), ?1, ?2), ?2,
               ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)""",
        (
            str(start.uuid),
            start.key,
            start.charge_point,
            start.connector_id,
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
    return _given(cursor)


def insert_orphan(
    connection: sqlite3.Connection,
    uuid: UUID,
    key: str,
    charge_point: str,
    station_transaction_id: int | None,
    now: datetime,
) -> int:
    """Store a transaction of which only the stop arrived; `close` fills in the rest."""
    cursor = connection.execute(
        """INSERT INTO charging_transaction
               (uuid, start_key, start_said, charge_point, station_transaction_id, start_received_at)
           VALUES (?1, ?2, ?2, ?3, ?4, ?5)""",
        (str(uuid), key, charge_point, station_transaction_id, iso(now)),
    )
    return _given(cursor)


def close(connection: sqlite3.Connection, transaction_id: int, stop: Stop, now: datetime) -> None:
    """Write the end of a transaction over whatever end was known."""
    connection.execute(
        """UPDATE charging_transaction SET meter_stop_wh = ?, stopped_at = ?, stopped_at_raw = ?, stop_received_at = ?,
               stop_id_tag = ?, reason = ?, energy_wh = ?, estimated = ?, flags = ?, closed_by = ?,
               suspect_since = NULL, suspect_why = NULL
           WHERE transaction_id = ?""",
        (
            stop.meter_stop_wh,
            iso(stop.stopped_at),
            stop.stopped_at_raw,
            iso(now),
            stop.id_tag,
            stop.reason,
            stop.energy_wh,
            stop.estimated,
            orjson.dumps(stop.flags).decode(),
            stop.closed_by,
            transaction_id,
        ),
    )


def reopen(connection: sqlite3.Connection, transaction: Transaction, now: datetime) -> None:
    """Take back an end that was ours and wrong: the transaction goes on."""
    flags = list(dict.fromkeys([*transaction.flags, "reopened"]))
    connection.execute(
        """UPDATE charging_transaction SET meter_stop_wh = NULL, stopped_at = NULL, stop_received_at = NULL,
               reason = NULL, energy_wh = NULL, estimated = 0, closed_by = NULL, alive_at = ?, flags = ?
           WHERE transaction_id = ?""",
        (iso(now), orjson.dumps(flags).decode(), transaction.transaction_id),
    )


def add_flag(connection: sqlite3.Connection, transaction: Transaction, flag: str) -> None:
    """Note a doubt on a transaction, once."""
    if flag not in transaction.flags:
        connection.execute(
            "UPDATE charging_transaction SET flags = ? WHERE transaction_id = ?",
            (orjson.dumps([*transaction.flags, flag]).decode(), transaction.transaction_id),
        )


def suspect(connection: sqlite3.Connection, transaction_id: int, since: datetime, why: str) -> None:
    """Note that a running transaction may be over."""
    connection.execute(
        "UPDATE charging_transaction SET suspect_since = ?, suspect_why = ? WHERE transaction_id = ?",
        (iso(since), why, transaction_id),
    )


def clear_suspicion(connection: sqlite3.Connection, transaction_id: int, now: datetime) -> None:
    """Note that a transaction gave a sign of life: what spoke against it before counts no more."""
    connection.execute(
        "UPDATE charging_transaction SET suspect_since = NULL, suspect_why = NULL, alive_at = ? "
        "WHERE transaction_id = ?",
        (iso(now), transaction_id),
    )


def drop_suspicion(connection: sqlite3.Connection, transaction_id: int) -> None:
    """Note that what spoke against a running transaction is over."""
    connection.execute(
        "UPDATE charging_transaction SET suspect_since = NULL, suspect_why = NULL WHERE transaction_id = ?",
        (transaction_id,),
    )


def keep_baseline(connection: sqlite3.Connection, transaction_id: int, register_wh: int) -> None:
    """Keep the first register reading of a transaction whose start brought none; later ones change nothing."""
    connection.execute(
        "UPDATE charging_transaction SET baseline_wh = coalesce(baseline_wh, ?) WHERE transaction_id = ?",
        (register_wh, transaction_id),
    )


def keep_trace(connection: sqlite3.Connection, transaction: Transaction, what: str, by: str, now: datetime) -> None:
    """Keep what was known of an end before it is changed."""
    before = {
        "stopped_at": None if transaction.stopped_at is None else iso(transaction.stopped_at),
        "meter_stop_wh": transaction.meter_stop_wh,
        "energy_wh": transaction.energy_wh,
        "reason": transaction.reason,
        "estimated": transaction.estimated,
        "closed_by": transaction.closed_by,
        "flags": transaction.flags,
    }
    connection.execute(
        """INSERT INTO transaction_change (transaction_id, changed_at, what, changed_by, before)
           VALUES (?, ?, ?, ?, ?)""",
        (transaction.transaction_id, iso(now), what, by, orjson.dumps(before).decode()),
    )


def changes(connection: sqlite3.Connection, transaction_id: int) -> list[Change]:
    """List the traces of a transaction, oldest first."""
    rows = connection.execute(
        "SELECT changed_at, what, changed_by, before FROM transaction_change WHERE transaction_id = ? ORDER BY id",
        (transaction_id,),
    )
    return [Change(**dict(row)) for row in rows]


def continue_from(connection: sqlite3.Connection, instant: datetime) -> None:
    """Give no number below these Unix seconds from now on.

    A database that was restored from a backup, or replaced, has forgotten numbers that charge points still hold. Where
    fewer than one transaction per second began since, the seconds lie above all of them. Called at each start of the
    process, so that nothing has to notice the restoring.
    """
    continue_above(connection, int(instant.timestamp()))


def continue_above(connection: sqlite3.Connection, number: int | None) -> None:
    """Give no number up to this one from now on; `None`: there is none to heed."""
    if number is None or number > LARGEST_SEED:
        return
    raised = connection.execute(
        "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'charging_transaction'", (number,)
    )
    if raised.rowcount == 0:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('charging_transaction', ?)", (number,))


def _given(cursor: sqlite3.Cursor) -> int:
    if cursor.lastrowid is None:
        raise sqlite3.InterfaceError("SQLite gave no row id")
    return cursor.lastrowid
