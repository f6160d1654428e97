"""The inbox of commands: what the cloud asked for, where it stands, what came of it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from contract.commands import FINAL_STATES, CommandError, CommandState
from contract.events import CommandProgressed
from edge.domain.redaction import redact
from edge.domain.timestamps import iso
from edge.store.writer import WriteTx


@dataclass(frozen=True, slots=True)
class StoredCommand:
    """One row of the inbox."""

    command: UUID
    number: int
    action: str
    charge_point: str
    payload: dict[str, Any]
    requested_by: str
    state: CommandState
    boot_id: str
    deadline_boottime: float
    """Seconds of the boot clock; means nothing under another `boot_id`."""


def insert(connection: sqlite3.Connection, command: StoredCommand, now: datetime) -> bool:
    """Store a command; a second copy changes nothing.

    Returns:
        Whether it was new.
    """
    cursor = connection.execute(
        """INSERT INTO command (command, number, action, charge_point, payload, requested_by, state,
                                boot_id, deadline_boottime, received_at, changed_at)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10) ON CONFLICT (command) DO NOTHING""",
        (
            str(command.command),
            command.number,
            command.action,
            command.charge_point,
            orjson.dumps(command.payload).decode(),
            command.requested_by,
            command.state,
            command.boot_id,
            command.deadline_boottime,
            iso(now),
        ),
    )
    return cursor.rowcount == 1


def find(connection: sqlite3.Connection, command: UUID) -> StoredCommand | None:
    """Look one up."""
    row = connection.execute("SELECT * FROM command WHERE command = ?", (str(command),)).fetchone()
    return None if row is None else _command(row)


def in_state(connection: sqlite3.Connection, state: CommandState) -> list[StoredCommand]:
    """List those in `state`, oldest first."""
    rows = connection.execute("SELECT * FROM command WHERE state = ? ORDER BY received_at, number", (state,))
    return [_command(row) for row in rows]


def has_taken_effect(connection: sqlite3.Connection, command: UUID) -> bool:
    """Whether a command that a crash interrupted was obeyed: its transaction began, or its charge point booted."""
    row = connection.execute(
        """SELECT CASE action
               WHEN 'RemoteStartTransaction' THEN EXISTS (
                   SELECT 1 FROM remote_start
                   WHERE remote_start.charge_point = command.charge_point
                     AND remote_start.command = command.command AND transaction_id IS NOT NULL)
               WHEN 'Reset' THEN EXISTS (
                   SELECT 1 FROM charge_point
                   WHERE charge_point.charge_point = command.charge_point AND booted_at > command.changed_at)
               ELSE 0 END AS seen
           FROM command WHERE command = ?""",
        (str(command),),
    ).fetchone()
    return row is not None and bool(row["seen"])


def move(
    connection: sqlite3.Connection,
    command: UUID,
    state: CommandState,
    now: datetime,
    *,
    answer: dict[str, Any] | None = None,
    error: CommandError | None = None,
) -> None:
    """Write a state that `relay.lifecycle` has allowed."""
    connection.execute(
        "UPDATE command SET state = ?, changed_at = ?, answer = ?, error = ? WHERE command = ?",
        (
            state,
            iso(now),
            None if answer is None else orjson.dumps(answer).decode(),
            None if error is None else error.model_dump_json(),
            str(command),
        ),
    )
    if state in FINAL_STATES:
        _forget_secrets(connection, command)


def _forget_secrets(connection: sqlite3.Connection, command: UUID) -> None:
    """Keep no password longer than the command needs it."""
    stored = find(connection, command)
    if stored is not None and (shown := redact(stored.payload)) != stored.payload:
        connection.execute(
            "UPDATE command SET payload = ? WHERE command = ?", (orjson.dumps(shown).decode(), str(command))
        )


def record(
    tx: WriteTx,
    command: UUID,
    state: CommandState,
    now: datetime,
    *,
    answer: dict[str, Any] | None = None,
    error: CommandError | None = None,
) -> None:
    """Write a state that `relay.lifecycle` has allowed, and leave the event that tells the cloud."""
    move(tx.connection, command, state, now, answer=answer, error=error)
    tell(tx, command, now)


def tell(tx: WriteTx, command: UUID, now: datetime) -> None:
    """Leave an event that tells the cloud where a stored command stands; telling it twice does no harm."""
    row = tx.connection.execute(
        "SELECT state, changed_at, answer, error, charge_point, action FROM command WHERE command = ?", (str(command),)
    ).fetchone()
    progressed = CommandProgressed(
        command=command,
        state=CommandState(row["state"]),
        at=row["changed_at"],
        answer=None if row["answer"] is None else orjson.loads(row["answer"]),
        error=None if row["error"] is None else CommandError.model_validate_json(row["error"]),
        charge_point=row["charge_point"],
        action=row["action"],
    )
    tx.emit(progressed, subject=f"command/{command}", occurred_at=now)


def _command(row: sqlite3.Row) -> StoredCommand:
    return StoredCommand(
        command=UUID(row["command"]),
        number=row["number"],
        action=row["action"],
        charge_point=row["charge_point"],
        payload=orjson.loads(row["payload"]),
        requested_by=row["requested_by"],
        state=CommandState(row["state"]),
        boot_id=row["boot_id"],
        deadline_boottime=row["deadline_boottime"],
    )
