"""What could not be understood: kept as it came, with the reason, and answered all the same.

A charge point that sends much of it fills neither the disk nor the list: alike frames of an hour are counted on the
last one that was kept, and the oldest go when a charge point has more than its share.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.domain.redaction import redact_frame
from edge.domain.timestamps import iso

MAX_RAW = 1_000_000
"""Bytes of a frame that are kept."""
ALIKE_PER_HOUR = 20
"""Frames of one charge point with the same reason that are kept within an hour, until they are counted only."""
ROWS_PER_HOUR = 200
"""Frames of one charge point that are kept within an hour, whatever their reasons."""
BYTES_PER_HOUR = 8_000_000
ROWS_PER_CHARGE_POINT = 2_000
BYTES_PER_CHARGE_POINT = 32_000_000
"""A frame of the largest size is always kept beside."""
_MANY_REASONS = "more frames than are kept within an hour, for many reasons"


@dataclass(frozen=True, slots=True)
class QuarantinedFrame:
    """One row."""

    id: int
    charge_point: str
    received_at: str
    reason: str
    raw: str
    repeats: int
    """How many frames came after it for the same reason, and were not kept."""
    repeated_at: str | None
    """When the last of them came; `None`: none did."""


def insert(
    connection: sqlite3.Connection, charge_point: str, raw: bytes, reason: str, now: datetime, *, repeats: int = 0
) -> None:
    """Keep a frame without its secrets, or count it on one that is kept already.

    Args:
        connection: of the writer.
        charge_point: whose frame it is.
        raw: the frame as it came.
        reason: what is wrong with it.
        now: when it came.
        repeats: how many more like it came meanwhile.
    """
    since = iso(now - timedelta(hours=1))
    alike, newest = _last_hour(connection, charge_point, since, reason)
    if newest is not None and alike >= ALIKE_PER_HOUR:
        _count(connection, newest, 1 + repeats, now)
        return
    rows, size = connection.execute(
        "SELECT count(*), coalesce(sum(length(raw)), 0) FROM quarantine WHERE charge_point = ? AND received_at > ?",
        (charge_point, since),
    ).fetchone()
    if rows >= ROWS_PER_HOUR or size >= BYTES_PER_HOUR:
        _, newest = _last_hour(connection, charge_point, since, _MANY_REASONS)
        if newest is not None:
            _count(connection, newest, 1 + repeats, now)
            return
        reason = _MANY_REASONS
    connection.execute(
        """INSERT INTO quarantine (charge_point, received_at, reason, raw, repeats, repeated_at)
           VALUES (?, ?, ?, ?, ?, ?)""",
        (
            charge_point,
            iso(now),
            reason,
            redact_frame(raw)[:MAX_RAW].decode(errors="replace"),
            repeats,
            iso(now) if repeats else None,
        ),
    )
    _forget_oldest(connection, charge_point)


def page(
    connection: sqlite3.Connection,
    *,
    charge_point: str | None = None,
    before: int | None = None,
    limit: int = 100,
    max_raw: int = 4 * MAX_RAW,
) -> list[QuarantinedFrame]:
    """List frames, newest first: at most `limit`, and at most `max_raw` characters of them unless the first is larger.

    Args:
        connection: to read through.
        charge_point: whose frames; `None`: of all.
        before: only those with a smaller `id`; `None`: from the newest.
        limit: at most so many.
        max_raw: characters of raw frames in all; bounds the memory that a list takes.
    """
    frames: list[QuarantinedFrame] = []
    total = 0
    for row in connection.execute(
        """SELECT id, charge_point, received_at, reason, raw, repeats, repeated_at FROM quarantine
           WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR charge_point = ?2) ORDER BY id DESC LIMIT ?3""",
        (before, charge_point, limit),
    ):
        total += len(row["raw"])
        if frames and total > max_raw:
            break
        frames.append(QuarantinedFrame(**dict(row)))
    return frames


def _last_hour(connection: sqlite3.Connection, charge_point: str, since: str, reason: str) -> tuple[int, int | None]:
    """Count the alike frames that are kept, and name the newest."""
    row = connection.execute(
        "SELECT count(*), max(id) FROM quarantine WHERE charge_point = ? AND received_at > ? AND reason = ?",
        (charge_point, since, reason),
    ).fetchone()
    return int(row[0]), row[1]


def _count(connection: sqlite3.Connection, row: int, times: int, now: datetime) -> None:
    connection.execute(
        "UPDATE quarantine SET repeats = repeats + ?, repeated_at = ? WHERE id = ?", (times, iso(now), row)
    )


def _forget_oldest(connection: sqlite3.Connection, charge_point: str) -> None:
    """Delete what is beyond a charge point's share. The hour's limits bound how often this is asked."""
    connection.execute(
        """DELETE FROM quarantine WHERE charge_point = ?1 AND id IN (
               SELECT id FROM (
                   SELECT id, row_number() OVER newest_first AS rank, sum(length(raw)) OVER newest_first AS size
                   FROM quarantine WHERE charge_point = ?1 WINDOW newest_first AS (ORDER BY id DESC))
               WHERE rank > ?2 OR (size > ?3 AND rank > 1))""",
        (charge_point, ROWS_PER_CHARGE_POINT, BYTES_PER_CHARGE_POINT),
    )
