"""Security events that charge points report, counted: a flood of one kind becomes one event a minute with its count."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.domain.timestamps import iso

WINDOW = timedelta(minutes=1)
MAX_KINDS = 50
"""Kinds that are told apart for one charge point at a time: the kind is free text."""
OTHERS = "(others)"


@dataclass(frozen=True, slots=True)
class Tally:
    """Events of one kind that belong into the outbox as one."""

    charge_point: str
    kind: str
    detail: str
    """Of the latest one."""
    count: int


def count(connection: sqlite3.Connection, charge_point: str, kind: str, detail: str, now: datetime) -> Tally | None:
    """Count an event.

    Returns:
        What is to be told now: the first of its kind, or one after a quiet minute; `None`: it was added to those that
        wait for `due`.
    """
    kind = _kind(connection, charge_point, kind)
    row = connection.execute(
        "SELECT since, waiting FROM security_tally WHERE charge_point = ? AND kind = ?", (charge_point, kind)
    ).fetchone()
    if row is not None and iso(now - WINDOW) < row["since"] <= iso(now):
        connection.execute(
            """UPDATE security_tally SET waiting = waiting + 1, detail = ?, last_at = ?
               WHERE charge_point = ? AND kind = ?""",
            (detail, iso(now), charge_point, kind),
        )
        return None
    connection.execute(
        """INSERT INTO security_tally (charge_point, kind, since, waiting, detail, last_at)
           VALUES (?1, ?2, ?3, 0, ?4, ?3)
           ON CONFLICT DO UPDATE SET since = ?3, waiting = 0, detail = ?4, last_at = ?3""",
        (charge_point, kind, iso(now), detail),
    )
    return Tally(charge_point, kind, detail, 1 + (0 if row is None else row["waiting"]))


def is_due(connection: sqlite3.Connection, now: datetime) -> bool:
    """Whether `due` has anything to do: spares a commit."""
    row = connection.execute("SELECT 1 FROM security_tally WHERE since <= ? LIMIT 1", (iso(now - WINDOW),)).fetchone()
    return row is not None


def due(connection: sqlite3.Connection, now: datetime) -> list[Tally]:
    """Take what has waited for its minute; kinds that were quiet are forgotten."""
    until = iso(now - WINDOW)
    rows = connection.execute(
        "SELECT charge_point, kind, detail, waiting FROM security_tally WHERE since <= ? AND waiting > 0", (until,)
    ).fetchall()
    connection.execute("DELETE FROM security_tally WHERE since <= ? AND waiting = 0", (until,))
    connection.execute("UPDATE security_tally SET since = ?, waiting = 0 WHERE since <= ?", (iso(now), until))
    return [Tally(row["charge_point"], row["kind"], row["detail"], row["waiting"]) for row in rows]


def _kind(connection: sqlite3.Connection, charge_point: str, kind: str) -> str:
    """Keep the kind, unless it would be one too many."""
    others = connection.execute(
        "SELECT count(*) FROM security_tally WHERE charge_point = ? AND kind <> ?", (charge_point, kind)
    ).fetchone()[0]
    return kind if others < MAX_KINDS else OTHERS
