"""Remote starts: what a charge point was asked to begin, and what came of it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from edge.domain.remote_start import Outcome
from edge.domain.timestamps import iso

KEPT_ROWS = 100_000
"""The oldest beyond so many are forgotten; their events have told all of it."""


@dataclass(frozen=True, slots=True)
class RemoteStart:
    """One row."""

    number: int
    charge_point: str
    connector_id: int
    id_tag: str
    command: UUID | None
    """The cloud's command; `None`: it was asked for at the site."""
    outcome: Outcome
    asked_at: datetime
    due_at: datetime
    """When its transaction must have begun, by the wall clock: for people, and for starts that arrive late."""
    boot_id: str
    due_boottime: float
    """The same in seconds of the boot clock, which nobody can set; means nothing under another `boot_id`."""
    transaction_id: int | None
    charging_profile: str | None = None
    """A profile, as JSON, that still has to be sent once its transaction runs; `None`: there is none."""


def insert(connection: sqlite3.Connection, asked: RemoteStart) -> int:
    """Store what is about to be asked, and give it its number; that of `asked` is passed over."""
    cursor = connection.execute(
        """INSERT INTO remote_start (charge_point, connector_id, id_tag, command, outcome, asked_at, due_at, boot_id,
               due_boottime, charging_profile) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            asked.charge_point,
            asked.connector_id,
            asked.id_tag,
            None if asked.command is None else str(asked.command),
            asked.outcome,
            iso(asked.asked_at),
            iso(asked.due_at),
            asked.boot_id,
            asked.due_boottime,
            asked.charging_profile,
        ),
    )
    number = cursor.lastrowid or 0
    connection.execute("DELETE FROM remote_start WHERE number <= ?", (number - KEPT_ROWS,))
    return number


def agree(connection: sqlite3.Connection, number: int, due_at: datetime, due_boottime: float) -> None:
    """The charge point accepted; its transaction may have begun already."""
    connection.execute(
        """UPDATE remote_start SET due_at = ?, due_boottime = ?, outcome = iif(outcome = 'Asked', 'Expected', outcome)
           WHERE number = ?""",
        (iso(due_at), due_boottime, number),
    )


def forget(connection: sqlite3.Connection, number: int) -> None:
    """The charge point did not accept: nothing is expected, unless a transaction began all the same."""
    connection.execute("DELETE FROM remote_start WHERE number = ? AND outcome = 'Asked'", (number,))


def conclude(connection: sqlite3.Connection, number: int, outcome: Outcome, transaction_id: int | None) -> None:
    """Write what came of it."""
    connection.execute(
        "UPDATE remote_start SET outcome = ?, transaction_id = ? WHERE number = ?", (outcome, transaction_id, number)
    )


def without_transaction(
    connection: sqlite3.Connection, charge_point: str, connector_id: int, id_tag: str
) -> list[RemoteStart]:
    """List those of which no transaction has come, newest first."""
    rows = connection.execute(
        """SELECT * FROM remote_start WHERE charge_point = ? AND connector_id = ? AND id_tag = ?
           AND transaction_id IS NULL ORDER BY number DESC LIMIT 10""",
        (charge_point, connector_id, id_tag),
    )
    return [_remote_start(row) for row in rows]


def overdue(connection: sqlite3.Connection, boot_id: str, boottime: float) -> list[RemoteStart]:
    """List those that wait in vain; after a restart of the machine nobody knows for how long, so all do."""
    rows = connection.execute(
        """SELECT * FROM remote_start WHERE outcome IN ('Asked', 'Expected')
           AND (boot_id <> ? OR due_boottime <= ?) ORDER BY number""",
        (boot_id, boottime),
    )
    return [_remote_start(row) for row in rows]


def profiles_to_send(connection: sqlite3.Connection) -> list[RemoteStart]:
    """List those whose transaction runs and waits for its charging profile."""
    rows = connection.execute(
        """SELECT * FROM remote_start WHERE charging_profile IS NOT NULL AND transaction_id IS NOT NULL
           ORDER BY number"""
    )
    return [_remote_start(row) for row in rows]


def drop_profile(connection: sqlite3.Connection, number: int) -> None:
    """The profile was sent, or nobody needs it any more."""
    connection.execute("UPDATE remote_start SET charging_profile = NULL WHERE number = ?", (number,))


def page(
    connection: sqlite3.Connection, charge_point: str, *, before: int | None = None, limit: int = 100
) -> list[RemoteStart]:
    """List those of a charge point, newest first; `before`: only those with a smaller number."""
    rows = connection.execute(
        """SELECT * FROM remote_start WHERE charge_point = ? AND number < ifnull(?, 1 << 62)
           ORDER BY number DESC LIMIT ?""",
        (charge_point, before, limit),
    )
    return [_remote_start(row) for row in rows]


def _remote_start(row: sqlite3.Row) -> RemoteStart:
    return RemoteStart(
        number=row["number"],
        charge_point=row["charge_point"],
        connector_id=row["connector_id"],
        id_tag=row["id_tag"],
        command=None if row["command"] is None else UUID(row["command"]),
        outcome=Outcome(row["outcome"]),
        asked_at=datetime.fromisoformat(row["asked_at"]),
        due_at=datetime.fromisoformat(row["due_at"]),
        boot_id=row["boot_id"],
        due_boottime=row["due_boottime"],
        transaction_id=row["transaction_id"],
        charging_profile=row["charging_profile"],
    )
