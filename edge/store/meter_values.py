"""Meter values, one row per instant, in the order of time. Its primary key makes a repeated message count once."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from edge.domain.timestamps import iso
from edge.store.transactions import Transaction

SLACK = timedelta(hours=1)
"""Closing values of a transaction may be sampled a little outside it."""


@dataclass(frozen=True, slots=True)
class StoredMeterValue:
    """The samples of one instant."""

    connector_id: int
    sampled_at: str
    digest: bytes
    """With the two fields above: its place in the order of `of_transaction`."""
    samples: list[dict[str, Any]]


def insert(
    connection: sqlite3.Connection,
    place: tuple[str, str, int],
    transaction: Transaction | None,
    samples: bytes,
) -> bool:
    """Store the samples of one instant.

    Args:
        connection: the writer's.
        place: when (as `timestamps.iso` writes it), which charge point, which connector.
        transaction: whose values they are; `None`: nobody's.
        samples: JSON.

    Returns:
        Whether they were new.
    """
    transaction_id = None if transaction is None else transaction.transaction_id
    digest = hashlib.blake2b(samples, digest_size=8, key=str(transaction_id).encode()).digest()
    cursor = connection.execute(
        """INSERT INTO meter_value (sampled_at, charge_point, connector_id, digest, transaction_id, samples)
           VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
        (*place, digest, transaction_id, samples.decode()),
    )
    return cursor.rowcount == 1


def newest_first(
    connection: sqlite3.Connection, transaction: Transaction
) -> list[tuple[datetime, list[dict[str, Any]]]]:
    """List when a transaction was metered last, and what was read: up to a hundred instants."""
    rows = connection.execute(
        """SELECT sampled_at, samples FROM meter_value
           WHERE sampled_at BETWEEN ? AND ? AND charge_point = ? AND transaction_id = ?
           ORDER BY sampled_at DESC LIMIT 100""",
        (*_span(transaction), transaction.charge_point, transaction.transaction_id),
    )
    return [(datetime.fromisoformat(row["sampled_at"]), orjson.loads(row["samples"])) for row in rows]


def of_transaction(
    connection: sqlite3.Connection,
    transaction: Transaction,
    *,
    after: tuple[str, int, bytes] = ("", 0, b""),
    limit: int = 100,
) -> list[StoredMeterValue]:
    """List the meter values of a transaction, oldest first, whichever connector they were reported for.

    Args:
        connection: to read through.
        transaction: whose.
        after: `sampled_at`, `connector_id` and `digest` of the last one that is known already.
        limit: at most so many.
    """
    rows = connection.execute(
        """SELECT connector_id, sampled_at, digest, samples FROM meter_value
           WHERE sampled_at BETWEEN ? AND ? AND charge_point = ? AND transaction_id = ?
             AND (sampled_at, connector_id, digest) > (?, ?, ?)
           ORDER BY sampled_at, connector_id, digest LIMIT ?""",
        (*_span(transaction), transaction.charge_point, transaction.transaction_id, *after, limit),
    )
    return [
        StoredMeterValue(row["connector_id"], row["sampled_at"], bytes(row["digest"]), orjson.loads(row["samples"]))
        for row in rows
    ]


def _span(transaction: Transaction) -> tuple[str, str]:
    """Bound a transaction's meter values in time: rows lie in the order of time, whichever charge point sent them.

    An index by transaction would find them directly, but would rewrite one page per message (docs/adr/0004).
    """
    since, until = transaction.started_at, transaction.stopped_at
    return (
        iso(since - SLACK) if since is not None else "",
        iso(until + SLACK) if until is not None else "9999",
    )
