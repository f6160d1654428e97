"""Meter values, one row per instant, in the order of time. Its primary key makes a repeated message count once."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from edge.domain.energy import Point, point
from edge.domain.timestamps import iso
from edge.store.transactions import Transaction

SLACK = timedelta(hours=1)
"""Closing values of a transaction may be sampled a little outside it."""
CORRECTED = frozenset({"skewed", "zone_from_skew"})
SLACK_OF_CORRECTED = timedelta(hours=15)
"""Meter values keep the time that a wrong clock or zone gave them, while their transaction's was corrected."""
LOOK_BACK = timedelta(days=3)
"""How far before its first message the values of a transaction are looked for whose start never arrived."""


NOBODY = 0
"""Stands for a transaction that values name and that is not known: they are no other transaction's either."""


@dataclass(frozen=True, slots=True)
class StoredMeterValue:
    """The samples of one instant."""

    connector_id: int
    sampled_at: str
    digest: bytes
    """With the two fields above: its place in the order of `of_transaction`."""
    samples: list[dict[str, Any]]


def insert(
    cursor: sqlite3.Cursor,
    place: tuple[str, str, int],
    transaction_id: int | None,
    samples: bytes,
) -> bool:
    """Store the samples of one instant.

    Args:
        cursor: the writer's; to make one for each row would cost a tenth of the insert.
        place: when (as `timestamps.iso` writes it), which charge point, which connector.
        transaction_id: whose values they are; `None`: they name none; `NOBODY`: they name one that is not known.
        samples: JSON.

    Returns:
        Whether they were new.
    """
    digest = _digest(samples, transaction_id)
    cursor.execute(
        """INSERT INTO meter_value (sampled_at, charge_point, connector_id, digest, transaction_id, samples)
           VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
        (*place, digest, transaction_id, samples.decode()),
    )
    return cursor.rowcount == 1


def first_of(connection: sqlite3.Connection, transaction: Transaction) -> str | None:
    """Find the first sample that names a transaction; `None`: none does."""
    row = connection.execute(
        """SELECT sampled_at FROM meter_value
           WHERE sampled_at BETWEEN ? AND ? AND charge_point = ? AND transaction_id = ? ORDER BY sampled_at LIMIT 1""",
        (_span(transaction)[0], "9999", transaction.charge_point, transaction.transaction_id),
    ).fetchone()
    return None if row is None else str(row["sampled_at"])


def move(connection: sqlite3.Connection, source: Transaction, target: int) -> None:
    """Give all samples that name one transaction to another."""
    rows = connection.execute(
        """SELECT sampled_at, connector_id, digest, samples FROM meter_value
           WHERE sampled_at BETWEEN ? AND ? AND charge_point = ? AND transaction_id = ?""",
        (_span(source)[0], "9999", source.charge_point, source.transaction_id),
    ).fetchall()
    for row in rows:
        connection.execute(
            """UPDATE OR IGNORE meter_value SET transaction_id = ?, digest = ?
               WHERE sampled_at = ? AND charge_point = ? AND connector_id = ? AND digest = ?""",
            (
                target,
                _digest(row["samples"].encode(), target),
                row["sampled_at"],
                source.charge_point,
                row["connector_id"],
                row["digest"],
            ),
        )


def _digest(samples: bytes, transaction_id: int | None) -> bytes:
    hasher = _keyed(transaction_id).copy()
    hasher.update(samples)
    return hasher.digest()


@lru_cache(maxsize=1024)
def _keyed(transaction_id: int | None) -> hashlib.blake2b:
    """Make a hasher once for each transaction that runs: to copy one costs a third less."""
    return hashlib.blake2b(digest_size=8, key=str(transaction_id).encode())


def samples_at(
    connection: sqlite3.Connection, place: tuple[str, str, int], transaction_id: int
) -> list[dict[str, Any]]:
    """List what is known of a transaction at one instant."""
    rows = connection.execute(
        """SELECT samples FROM meter_value
           WHERE sampled_at = ? AND charge_point = ? AND connector_id = ? AND transaction_id = ?""",
        (*place, transaction_id),
    )
    return [sample for row in rows for sample in orjson.loads(row["samples"])]


def newest_at(connection: sqlite3.Connection, charge_point: str, *, since: datetime) -> str | None:
    """Find when a charge point metered last; `None`: not since then."""
    row = connection.execute(
        """SELECT sampled_at FROM meter_value WHERE sampled_at >= ? AND charge_point = ?
           ORDER BY sampled_at DESC LIMIT 1""",
        (iso(since), charge_point),
    ).fetchone()
    return None if row is None else str(row["sampled_at"])


def points(connection: sqlite3.Connection, transaction: Transaction, *, since: datetime | None = None) -> list[Point]:
    """Read what was metered of a transaction, oldest first.

    This walks over everything that the site metered in its time. It is for transactions that need it, not for all.

    Args:
        connection: to read through.
        transaction: whose.
        since: only what was sampled from then on; `None`: from its start.
    """
    first, last = _span(transaction)
    rows = connection.execute(
        f"""SELECT sampled_at, samples FROM meter_value WHERE sampled_at BETWEEN ? AND ? AND {_ITS_OWN}
           ORDER BY sampled_at""",  # noqa: S608 - own text
        (first if since is None else max(first, iso(since)), last, *_its_own(transaction)),
    )
    return [point(datetime.fromisoformat(row["sampled_at"]), orjson.loads(row["samples"])) for row in rows]


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
        f"""SELECT connector_id, sampled_at, digest, samples FROM meter_value
           WHERE sampled_at BETWEEN ? AND ? AND {_ITS_OWN} AND (sampled_at, connector_id, digest) > (?, ?, ?)
           ORDER BY sampled_at, connector_id, digest LIMIT ?""",  # noqa: S608 - own text
        (*_span(transaction), *_its_own(transaction), *after, limit),
    )
    return [
        StoredMeterValue(row["connector_id"], row["sampled_at"], bytes(row["digest"]), orjson.loads(row["samples"]))
        for row in rows
    ]


_ITS_OWN = """charge_point = ? AND (
    transaction_id = ?
    OR (transaction_id IS NULL AND connector_id > 0 AND connector_id = ? AND sampled_at BETWEEN ? AND ?)
)"""
"""What names the transaction, and what names none but was sampled at its connector while it ran. The main meter
(connector 0) belongs to none. Sorted out when it is read, so that such a message costs nothing as it arrives."""


def _its_own(transaction: Transaction) -> tuple[object, ...]:
    since, until = transaction.started_at, transaction.stopped_at
    return (
        transaction.charge_point,
        transaction.transaction_id,
        transaction.connector_id,
        "9999" if since is None else iso(since),
        "9999" if until is None else iso(until),
    )


def _span(transaction: Transaction) -> tuple[str, str]:
    """Bound a transaction's meter values in time: rows lie in the order of time, whichever charge point sent them.

    An index by transaction would find them directly, but would rewrite one page per message (docs/adr/0004).
    """
    since, until = transaction.started_at, transaction.stopped_at
    if since is None:  # an open beginning would mean everything that the site ever metered
        seen = [at for at in (until, transaction.start_received_at) if at is not None]
        since = min(seen) - LOOK_BACK if seen else None
    slack = SLACK_OF_CORRECTED if CORRECTED.intersection(transaction.flags) else SLACK
    return (
        iso(since - slack) if since is not None else "",
        iso(until + slack) if until is not None else "9999",
    )
