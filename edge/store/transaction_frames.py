"""The frames that began and ended transactions, kept in the transaction that acted on them, for `gardu-edge replay`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from edge.domain.redaction import redact_frame
from edge.domain.timestamps import iso

ACTIONS = frozenset({"StartTransaction", "StopTransaction"})
"""Whose frames are kept here; the values between them lie in the frame journal."""

KEPT = timedelta(days=14)
OLDEST_AT_ONCE = 4
"""Rows that an insert may remove: more than it adds, and never a long wait."""


@dataclass(frozen=True, slots=True)
class TransactionFrame:
    """One row."""

    id: int
    received_at: datetime
    charge_point: str
    raw: bytes
    answer: dict[str, Any] | None
    """The payload of the answer."""


def insert(
    connection: sqlite3.Connection, charge_point: str, raw: bytes, answer: dict[str, Any], now: datetime
) -> None:
    """Keep a frame and its answer, and remove what is too old."""
    connection.execute(
        "INSERT INTO transaction_frame (received_at, charge_point, raw, answer) VALUES (?, ?, ?, ?)",
        (iso(now), charge_point, redact_frame(raw), orjson.dumps(answer)),
    )
    connection.execute(
        """DELETE FROM transaction_frame WHERE received_at < ?
           AND id IN (SELECT id FROM transaction_frame ORDER BY id LIMIT ?)""",
        (iso(now - KEPT), OLDEST_AT_ONCE),
    )


def between(connection: sqlite3.Connection, since: datetime, until: datetime) -> Iterator[TransactionFrame]:
    """Read the frames of a time, in the order in which they were handled."""
    rows = connection.execute(
        """SELECT id, received_at, charge_point, raw, answer FROM transaction_frame
           WHERE received_at >= ? AND received_at <= ? ORDER BY id""",
        (iso(since), iso(until)),
    )
    for row in rows:
        yield TransactionFrame(
            id=row["id"],
            received_at=datetime.fromisoformat(row["received_at"]),
            charge_point=row["charge_point"],
            raw=row["raw"],
            answer=None if row["answer"] is None else orjson.loads(row["answer"]),
        )


def oldest(connection: sqlite3.Connection) -> datetime | None:
    """When the oldest frame that is still kept arrived; `None`: there is none."""
    row = connection.execute("SELECT received_at FROM transaction_frame ORDER BY id LIMIT 1").fetchone()
    return None if row is None else datetime.fromisoformat(row[0])
