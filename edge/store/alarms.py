"""The alarms of the site: those that stand, and those that are over. One of a kind stands per subject."""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import dataclass
from datetime import datetime

from contract.events import AlarmCleared, AlarmRaised
from edge.domain.alarms import AlarmKind
from edge.domain.timestamps import iso
from edge.store.writer import WriteTx

SITE = ""
"""The subject of an alarm that is about the site itself and no charge point."""
MAX_DETAIL = 500
"""Characters of a detail that are kept: it may repeat what a charge point sent."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One row."""

    number: int
    alarm: str
    kind: str
    charge_point: str
    detail: str
    raised_at: str
    cleared_at: str | None


def raise_alarm(tx: WriteTx, kind: AlarmKind, charge_point: str, detail: str, now: datetime) -> bool:
    """Raise an alarm, unless one of its kind stands for that charge point already.

    Args:
        tx: of the writer.
        kind: what is wrong.
        charge_point: which one it is about; `SITE`: the site itself.
        detail: this case in words, without any secret.
        now: when it was noticed.

    Returns:
        Whether it is new.
    """
    if _standing(tx.connection, kind, charge_point) is not None:
        return False
    alarm, detail = uuid.uuid4(), detail[:MAX_DETAIL]
    tx.connection.execute(
        "INSERT INTO alarm (alarm, kind, charge_point, detail, raised_at) VALUES (?, ?, ?, ?, ?)",
        (str(alarm), kind, charge_point, detail, iso(now)),
    )
    event = AlarmRaised(alarm=alarm, kind=kind.value, charge_point=charge_point or None, detail=detail)
    tx.emit(event, subject=_subject(charge_point), occurred_at=now)
    return True


def clear_alarm(tx: WriteTx, kind: AlarmKind, charge_point: str, now: datetime) -> bool:
    """End the standing alarm of a kind: what it told of is over.

    Returns:
        Whether one stood.
    """
    alarm = _standing(tx.connection, kind, charge_point)
    if alarm is None:
        return False
    tx.connection.execute("UPDATE alarm SET cleared_at = ? WHERE alarm = ?", (iso(now), alarm))
    event = AlarmCleared(alarm=uuid.UUID(alarm), kind=kind.value, charge_point=charge_point or None)
    tx.emit(event, subject=_subject(charge_point), occurred_at=now)
    return True


def find(connection: sqlite3.Connection, alarm: str) -> Alarm | None:
    """Look one up by its identity."""
    row = connection.execute(
        "SELECT number, alarm, kind, charge_point, detail, raised_at, cleared_at FROM alarm WHERE alarm = ?", (alarm,)
    ).fetchone()
    return None if row is None else Alarm(**dict(row))


def stands(connection: sqlite3.Connection, kind: AlarmKind, charge_point: str) -> bool:
    """Tell whether an alarm of a kind stands for a charge point."""
    return _standing(connection, kind, charge_point) is not None


def standing(connection: sqlite3.Connection, kind: AlarmKind) -> set[str]:
    """List the charge points for which an alarm of a kind stands."""
    rows = connection.execute("SELECT charge_point FROM alarm WHERE kind = ? AND cleared_at IS NULL", (kind,))
    return {row["charge_point"] for row in rows}


def page(
    connection: sqlite3.Connection,
    *,
    before: int | None = None,
    limit: int = 100,
    standing: bool | None = None,
    charge_point: str | None = None,
) -> list[Alarm]:
    """List alarms, newest first.

    Args:
        connection: to read through.
        before: only those with a smaller `number`; `None`: from the newest.
        limit: at most so many.
        standing: only those that stand, or only those that are over; `None`: both.
        charge_point: only those of one charge point; `None`: all.
    """
    rows = connection.execute(
        """SELECT number, alarm, kind, charge_point, detail, raised_at, cleared_at FROM alarm
           WHERE (?1 IS NULL OR number < ?1) AND (?2 IS NULL OR ?2 = (cleared_at IS NULL))
             AND (?3 IS NULL OR charge_point = ?3)
           ORDER BY number DESC LIMIT ?4""",
        (before, standing, charge_point, limit),
    )
    return [Alarm(**dict(row)) for row in rows]


def _standing(connection: sqlite3.Connection, kind: AlarmKind, charge_point: str) -> str | None:
    row = connection.execute(
        "SELECT alarm FROM alarm WHERE kind = ? AND charge_point = ? AND cleared_at IS NULL", (kind, charge_point)
    ).fetchone()
    return None if row is None else str(row["alarm"])


def _subject(charge_point: str) -> str:
    return f"charge-point/{charge_point}" if charge_point else "edge"
