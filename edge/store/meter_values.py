"""Meter values, one row per instant. Its primary key makes a message that comes twice count once."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import datetime
from typing import Any

import orjson

from edge.clock import iso


def insert(
    connection: sqlite3.Connection,
    charge_point: str,
    connector_id: int,
    transaction_id: int | None,
    sampled_at: datetime,
    samples: list[dict[str, Any]],
    received_at: str,
) -> bool:
    """Store the samples of one instant.

    Returns:
        Whether they were new.
    """
    text = orjson.dumps(samples)
    digest = hashlib.blake2b(text, digest_size=8, key=str(transaction_id).encode()).digest()
    cursor = connection.execute(
        """INSERT INTO meter_value (charge_point, connector_id, sampled_at, digest, transaction_id, received_at,
                                    samples)
           VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
        (charge_point, connector_id, iso(sampled_at), digest, transaction_id, received_at, text.decode()),
    )
    return cursor.rowcount == 1


def last_samples(
    connection: sqlite3.Connection, charge_point: str, connector_id: int, transaction_id: int
) -> list[list[dict[str, Any]]]:
    """List the samples of a transaction, newest instant first."""
    rows = connection.execute(
        """SELECT samples FROM meter_value WHERE charge_point = ? AND connector_id = ? AND transaction_id = ?
           ORDER BY sampled_at DESC LIMIT 100""",
        (charge_point, connector_id, transaction_id),
    )
    return [orjson.loads(row["samples"]) for row in rows]


def last_sampled_at(
    connection: sqlite3.Connection, charge_point: str, connector_id: int, transaction_id: int
) -> datetime | None:
    """Tell when a transaction was last metered."""
    row = connection.execute(
        """SELECT max(sampled_at) AS at FROM meter_value
           WHERE charge_point = ? AND connector_id = ? AND transaction_id = ?""",
        (charge_point, connector_id, transaction_id),
    ).fetchone()
    return None if row["at"] is None else datetime.fromisoformat(row["at"])
