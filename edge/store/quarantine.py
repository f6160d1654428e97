"""What could not be understood: kept as it came, with the reason, and answered all the same."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from edge.domain.timestamps import iso

MAX_RAW = 1_000_000
"""Bytes of a frame that are kept."""


@dataclass(frozen=True, slots=True)
class QuarantinedFrame:
    """One row."""

    id: int
    charge_point: str
    received_at: str
    reason: str
    raw: str


def insert(connection: sqlite3.Connection, charge_point: str, raw: bytes, reason: str, now: datetime) -> None:
    """Keep a frame."""
    connection.execute(
        "INSERT INTO quarantine (charge_point, received_at, reason, raw) VALUES (?, ?, ?, ?)",
        (charge_point, iso(now), reason, raw[:MAX_RAW].decode(errors="replace")),
    )


def page(
    connection: sqlite3.Connection, *, before: int | None = None, limit: int = 100, max_raw: int = 4 * MAX_RAW
) -> list[QuarantinedFrame]:
    """List frames, newest first: at most `limit`, and at most `max_raw` characters of them unless the first is larger.

    Args:
        connection: to read through.
        before: only those with a smaller `id`; `None`: from the newest.
        limit: at most so many.
        max_raw: characters of raw frames in all; bounds the memory that a list takes.
    """
    frames: list[QuarantinedFrame] = []
    total = 0
    for row in connection.execute(
        """SELECT id, charge_point, received_at, reason, raw FROM quarantine
           WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2""",
        (before, limit),
    ):
        total += len(row["raw"])
        if frames and total > max_raw:
            break
        frames.append(QuarantinedFrame(**dict(row)))
    return frames
