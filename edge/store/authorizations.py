"""The latest decisions on id tags, each with its reason in words. The cloud has them all; the site keeps the newest."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from edge.domain.authorisation import Decision
from edge.domain.timestamps import iso

KEPT = 10_000
"""Decisions; older ones go."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """One row."""

    id: int
    decided_at: str
    charge_point: str
    action: str
    """`Authorize` or `StartTransaction`."""
    id_tag: str
    status: str
    reason: str
    transaction_id: int | None
    """Of the start; `None` for an Authorize."""


def insert(
    connection: sqlite3.Connection,
    decision: Decision,
    now: datetime,
    *,
    charge_point: str,
    action: str,
    id_tag: str,
    transaction_id: int | None = None,
) -> None:
    """Keep a decision, and let go of the one that is too old by now."""
    cursor = connection.execute(
        """INSERT INTO authorization_decision
               (decided_at, charge_point, action, id_tag, status, reason, transaction_id)
           VALUES (?, ?, ?, ?, ?, ?, ?)""",
        (iso(now), charge_point, action, id_tag, decision.status, decision.reason, transaction_id),
    )
    connection.execute("DELETE FROM authorization_decision WHERE id <= ?", ((cursor.lastrowid or 0) - KEPT,))


def page(
    connection: sqlite3.Connection,
    *,
    before: int | None = None,
    limit: int = 100,
    charge_point: str | None = None,
    id_tag: str | None = None,
) -> list[Authorization]:
    """List decisions, newest first.

    Args:
        connection: to read through.
        before: only those with a smaller `id`; `None`: from the newest.
        limit: at most so many.
        charge_point: only those asked for by this charge point.
        id_tag: only those on this id tag, whatever its case.
    """
    rows = connection.execute(
        """SELECT * FROM authorization_decision
           WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR charge_point = ?2) AND (?3 IS NULL OR id_tag = ?3)
           ORDER BY id DESC LIMIT ?4""",
        (before, charge_point, id_tag, limit),
    )
    return [Authorization(**dict(row)) for row in rows]
