"""Firmware files, and their roll-outs."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge.domain.firmware_rollout import Step, StepState
from edge.domain.timestamps import iso


@dataclass(frozen=True, slots=True)
class Firmware:
    """One file."""

    firmware: str
    name: str
    version: str
    sha256: str
    size: int
    uploaded_at: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """One roll-out of a firmware."""

    rollout: str
    firmware: str
    state: str
    """running, succeeded or stopped."""
    detail: str | None
    created_at: str


def insert(connection: sqlite3.Connection, firmware: Firmware) -> None:
    """Keep a file that lies on the disk."""
    connection.execute(
        "INSERT INTO firmware (firmware, name, version, sha256, size, uploaded_at) VALUES (?, ?, ?, ?, ?, ?)",
        (firmware.firmware, firmware.name, firmware.version, firmware.sha256, firmware.size, firmware.uploaded_at),
    )


def find(connection: sqlite3.Connection, firmware: str) -> Firmware | None:
    """Look one up."""
    row = connection.execute("SELECT * FROM firmware WHERE firmware = ?", (firmware,)).fetchone()
    return None if row is None else Firmware(**dict(row))


def all_of(connection: sqlite3.Connection) -> list[Firmware]:
    """List them, newest first."""
    return [Firmware(**dict(row)) for row in connection.execute("SELECT * FROM firmware ORDER BY uploaded_at DESC")]


def delete(connection: sqlite3.Connection, firmware: str) -> None:
    """Forget a file, with the roll-outs of it that have ended, and end its tickets."""
    connection.execute("DELETE FROM file_ticket WHERE purpose = 'firmware' AND file = ?", (firmware,))
    connection.execute("DELETE FROM rollout WHERE firmware = ? AND state <> 'running'", (firmware,))
    connection.execute("DELETE FROM firmware WHERE firmware = ?", (firmware,))


def begin(
    connection: sqlite3.Connection, rollout: str, firmware: str, charge_points: Sequence[str], now: datetime
) -> None:
    """Begin a roll-out, in this order; the first is the canary."""
    connection.execute(
        "INSERT INTO rollout (rollout, firmware, state, created_at, changed_at) VALUES (?, ?, 'running', ?, ?)",
        (rollout, firmware, iso(now), iso(now)),
    )
    connection.executemany(
        "INSERT INTO rollout_step (rollout, position, charge_point, state) VALUES (?, ?, ?, ?)",
        [(rollout, position, one, StepState.WAITING) for position, one in enumerate(charge_points)],
    )


def rollout(connection: sqlite3.Connection, name: str) -> Rollout | None:
    """Look a roll-out up."""
    found = _rollouts(connection, "rollout = ?", name)
    return found[0] if found else None


def running(connection: sqlite3.Connection) -> list[Rollout]:
    """List the roll-outs that go on, oldest first."""
    return _rollouts(connection, "state = ?", "running")


def steps(connection: sqlite3.Connection, name: str) -> list[Step]:
    """List the charge points of a roll-out."""
    rows = connection.execute("SELECT * FROM rollout_step WHERE rollout = ? ORDER BY position", (name,))
    return [
        Step(
            position=row["position"],
            charge_point=row["charge_point"],
            state=StepState(row["state"]),
            asked_at=None if row["asked_at"] is None else datetime.fromisoformat(row["asked_at"]),
            status=row["status"],
            detail=row["detail"],
            turn_at=None if row["turn_at"] is None else datetime.fromisoformat(row["turn_at"]),
        )
        for row in rows
    ]


def put_step(
    connection: sqlite3.Connection,
    name: str,
    position: int,
    state: StepState,
    *,
    asked_at: datetime | None = None,
    detail: str | None = None,
) -> None:
    """Write where a charge point stands; `asked_at` begins a new attempt, else it stays."""
    connection.execute(
        """UPDATE rollout_step SET state = ?1, detail = ?2, asked_at = coalesce(?3, asked_at),
               status = CASE WHEN ?3 IS NULL THEN status END
           WHERE rollout = ?4 AND position = ?5""",
        (state, detail, None if asked_at is None else iso(asked_at), name, position),
    )


def begin_turn(connection: sqlite3.Connection, name: str, position: int, now: datetime) -> None:
    """Note that it is a charge point's turn; a second time changes nothing."""
    connection.execute(
        "UPDATE rollout_step SET turn_at = coalesce(turn_at, ?) WHERE rollout = ? AND position = ?",
        (iso(now), name, position),
    )


def note_fetched(connection: sqlite3.Connection, charge_point: str) -> None:
    """Note that a charge point fetches the file, unless it has reported more already."""
    connection.execute(
        "UPDATE rollout_step SET status = coalesce(status, 'Fetched') WHERE charge_point = ? AND state IN (?, ?)",
        (charge_point, StepState.ASKING, StepState.ASKED),
    )


def note_status(connection: sqlite3.Connection, charge_point: str, status: str) -> None:
    """Keep what a charge point reports of the update that it was asked for."""
    connection.execute(
        "UPDATE rollout_step SET status = ? WHERE charge_point = ? AND state IN (?, ?)",
        (status, charge_point, StepState.ASKING, StepState.ASKED),
    )


def end(connection: sqlite3.Connection, name: str, state: str, detail: str | None, now: datetime) -> None:
    """End a roll-out."""
    connection.execute(
        "UPDATE rollout SET state = ?, detail = ?, changed_at = ? WHERE rollout = ?", (state, detail, iso(now), name)
    )


def _rollouts(connection: sqlite3.Connection, where: str, value: str) -> list[Rollout]:
    rows = connection.execute(
        f"SELECT rollout, firmware, state, detail, created_at FROM rollout WHERE {where} ORDER BY created_at",  # noqa: S608 - own text
        (value,),
    )
    return [Rollout(**dict(row)) for row in rows]
