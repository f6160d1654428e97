"""What the edge can show of its own past: rolling hashes of kept events, and checkpoints of those that are gone."""

from __future__ import annotations

import sqlite3

from contract.link import MAX_POINTS, Past, Point
from contract.streams import Stream

SPREAD = 40
"""Places that are shown of a part that has more than fit."""

_ROWS = "SELECT seq, hash FROM outbox WHERE stream = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq LIMIT ?4"
_CHECKPOINTS = "SELECT seq, hash FROM checkpoint WHERE stream = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq LIMIT ?4"
_NEWEST = "SELECT seq, hash FROM outbox WHERE stream = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq DESC LIMIT 1"
_REMEMBERED = """
    SELECT acknowledged AS seq, acknowledged_hash AS hash FROM stream
           WHERE stream = ?1 AND acknowledged BETWEEN ?2 AND ?3
    UNION SELECT pruned, pruned_hash FROM stream WHERE stream = ?1 AND pruned BETWEEN ?2 AND ?3
    UNION SELECT head, head_hash FROM stream WHERE stream = ?1 AND head BETWEEN ?2 AND ?3"""

Hashes = dict[int, bytes]


def show(connection: sqlite3.Connection, stream: Stream, low: int, high: int) -> Past:
    """Show places from `low` to `high`: all that there are, or some that lie evenly between.

    Args:
        connection: to read through.
        stream: which.
        low: the least number; shown, if there is a hash of it.
        high: the greatest; shown, too.
    """
    low = max(low, 1)
    found = _pick(connection, _REMEMBERED, stream, low, high)
    rows, checkpoints = (_pick(connection, query, stream, low, high, MAX_POINTS + 1) for query in (_ROWS, _CHECKPOINTS))
    all_of_them = found | rows | checkpoints
    if len(all_of_them) <= MAX_POINTS:
        return _past(all_of_them, complete=True)
    found |= _pick(connection, _NEWEST, stream, low, high)
    for part in range(SPREAD):
        at = low + (high - low) * part // SPREAD
        found |= _first_of(connection, stream, at, high)
    return _past(found, complete=False)


def remember(connection: sqlite3.Connection, checkpoints: list[tuple[str, int, bytes]]) -> None:
    """Keep hashes for ever: stream, number and hash."""
    connection.executemany("INSERT OR REPLACE INTO checkpoint (stream, seq, hash) VALUES (?, ?, ?)", checkpoints)


def _first_of(connection: sqlite3.Connection, stream: Stream, low: int, high: int) -> Hashes:
    near = [_pick(connection, query, stream, low, high, 1) for query in (_ROWS, _CHECKPOINTS)]
    return min((one for one in near if one), key=min, default={})


def _pick(connection: sqlite3.Connection, query: str, *values: object) -> Hashes:
    return {row["seq"]: bytes(row["hash"]) for row in connection.execute(query, values)}


def _past(hashes: Hashes, *, complete: bool) -> Past:
    points = [Point(seq=seq, hash=hashes[seq].hex()) for seq in sorted(hashes)]
    return Past(points=points, complete=complete)
