"""What leaves the database again, in slices that hold nobody up. What leaves unsent leaves a `Skipped` behind."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

import orjson

from contract.events import MeterValuesSampled, Skipped
from contract.streams import Stream
from edge.domain.thinning import thin
from edge.domain.timestamps import iso
from edge.store import outbox

SLICE = 1000
"""Rows that one operation removes: some milliseconds."""

LONGEST_RANGE = 5000
"""Events that one `Skipped` may stand for, so that it stays far below the size that the cloud takes."""

STEP = timedelta(minutes=1)
"""A record further in the future than this was made while the clock was ahead."""

THINNED, DROPPED = "thinned: the disk was filling up", "dropped: the disk was full"
_NEVER = "9999"


def prune_acknowledged(
    connection: sqlite3.Connection, stream: Stream, before: datetime, now: datetime, *, in_need: bool = False
) -> int:
    """Remove the oldest events that the cloud has committed and that were recorded before an instant.

    Should the cloud ask for them again, restored from an older backup, a `Skipped` stands for them. Events whose
    record lies in the future are as old as what follows them: the clock was ahead then.

    Args:
        connection: the store.
        stream: of the events.
        before: what was recorded earlier goes.
        now: the time.
        in_need: the disk fills up; what is of the future at the front goes, too.

    Returns:
        How many went; fewer than `SLICE`: there are no more.
    """
    rows = connection.execute(
        """SELECT seq, hash, recorded_at FROM outbox
           WHERE stream = ?1 AND seq <= (SELECT acknowledged FROM stream WHERE stream = ?1) ORDER BY seq LIMIT ?2""",
        (stream, SLICE),
    ).fetchall()
    gone = max((index for index, row in enumerate(rows, 1) if row["recorded_at"] < iso(before)), default=0)
    ahead = sum(1 for _ in takewhile(lambda row: row["recorded_at"] > iso(now + STEP), rows[gone:]))
    if ahead and (in_need or _next_in_time(connection, stream, rows[gone + ahead - 1]["seq"], now) < iso(before)):
        gone += ahead
    if not gone:
        return 0
    last = rows[gone - 1]
    connection.execute("DELETE FROM outbox WHERE stream = ? AND seq <= ?", (stream, last["seq"]))
    connection.execute(
        "UPDATE stream SET pruned = ?, pruned_hash = ?, pruned_at = ? WHERE stream = ?",
        (last["seq"], last["hash"], iso(now), stream),
    )
    return gone


def _next_in_time(connection: sqlite3.Connection, stream: Stream, after: int, now: datetime) -> str:
    """When the first event behind number `after` was recorded that is not of the future; never: there is none."""
    row = connection.execute(
        """SELECT recorded_at FROM outbox WHERE stream = ?1 AND seq > ?2 AND recorded_at <= ?3
           AND seq <= (SELECT acknowledged FROM stream WHERE stream = ?1) ORDER BY seq LIMIT 1""",
        (stream, after, iso(now + STEP)),
    ).fetchone()
    return _NEVER if row is None else str(row["recorded_at"])


def prune_meter_values(connection: sqlite3.Connection, before: datetime) -> int:
    """Remove the oldest meter values of the local history that were sampled before an instant.

    Returns:
        How many went; fewer than `SLICE`: there are no more.
    """
    return connection.execute(
        """DELETE FROM meter_value WHERE (sampled_at, charge_point, connector_id, digest) IN (
             SELECT sampled_at, charge_point, connector_id, digest FROM meter_value WHERE sampled_at < ?
             ORDER BY sampled_at LIMIT ?)""",
        (iso(before), SLICE),
    ).rowcount


@dataclass(frozen=True, slots=True)
class _Row:
    seq: int
    recorded_at: str
    event: bytes
    hash: bytes

    @property
    def quarter(self) -> str:
        """The quarter of an hour in which it was recorded."""
        return f"{self.recorded_at[:14]}{int(self.recorded_at[14:16]) // 15}"


def thin_oldest(connection: sqlite3.Connection, now: datetime) -> int:
    """Thin the oldest quarter of an hour of unacknowledged meter values that is not thinned yet.

    The quarter that runs now stays whole. One that comes again, because the clock was set back, is another.

    Returns:
        How many events went; 0: there is nothing left to thin.
    """
    after = connection.execute(
        "SELECT max(thinned, acknowledged) FROM stream WHERE stream = ?", (Stream.METER,)
    ).fetchone()[0]
    rows = _rows_after(connection, after)
    chosen = list(takewhile(lambda row: row.quarter == rows[0].quarter, rows))
    if not chosen or chosen[0].quarter == _Row(0, iso(now), b"", b"").quarter:
        return 0
    events = [(row.seq, orjson.loads(row.event)) for row in chosen]
    kept = thin((seq, event["data"]) for seq, event in events if event["type"] == MeterValuesSampled.TYPE)
    _replace(connection, chosen, first=_first(chosen[0]), kept=kept, why=THINNED)
    connection.execute("UPDATE stream SET thinned = ? WHERE stream = ?", (chosen[-1].seq, Stream.METER))
    return len(chosen)


def drop_oldest(connection: sqlite3.Connection) -> int:
    """Let the oldest unacknowledged meter values go, thinned or not; one `Skipped` stands for all that went so.

    Returns:
        How many events went; 0: there is nothing left to drop.
    """
    acknowledged, dropped = connection.execute(
        "SELECT acknowledged, max(dropped, acknowledged) FROM stream WHERE stream = ?", (Stream.METER,)
    ).fetchone()
    rows = _rows_after(connection, dropped)[:SLICE]
    if not rows:
        return 0
    before = _rows_between(connection, acknowledged, dropped)
    _replace(connection, [*before, *rows], first=_first((before or rows)[0]), kept=[], why=DROPPED)
    connection.execute("UPDATE stream SET dropped = ? WHERE stream = ?", (rows[-1].seq, Stream.METER))
    return len(rows)


def _rows_after(connection: sqlite3.Connection, seq: int) -> list[_Row]:
    return _rows(connection, "seq > ? ORDER BY seq LIMIT ?", seq, LONGEST_RANGE)


def _rows_between(connection: sqlite3.Connection, after: int, last: int) -> list[_Row]:
    return _rows(connection, "seq > ? AND seq <= ? ORDER BY seq", after, last)


def _rows(connection: sqlite3.Connection, where: str, *values: int) -> list[_Row]:
    found = connection.execute(
        f"SELECT seq, recorded_at, event, hash FROM outbox WHERE stream = ? AND {where}",  # noqa: S608 - own text
        (Stream.METER, *values),
    )
    return [_Row(row["seq"], row["recorded_at"], row["event"], row["hash"]) for row in found]


def _first(row: _Row) -> int:
    """The first number that a row stands for."""
    event = orjson.loads(row.event)
    return int(event["data"]["first"]) if event["type"] == Skipped.TYPE else row.seq


def _count(row: _Row) -> int:
    event = orjson.loads(row.event)
    return int(event["data"]["count"]) if event["type"] == Skipped.TYPE else 1


def _replace(
    connection: sqlite3.Connection, rows: list[_Row], *, first: int, kept: list[dict[str, object]], why: str
) -> None:
    """Let one `Skipped` take the place of the last of `rows`, and the others go; the chain goes on as it was."""
    last = rows[-1]
    data = {
        "first": first,
        "last": last.seq,
        "count": sum(_count(row) for row in rows),
        "why": why,
        "hash_after": last.hash.hex(),
        "kept": kept,
    }
    event = outbox.stand_in(last.seq, last.recorded_at, data)
    connection.execute(
        "DELETE FROM outbox WHERE stream = ? AND seq >= ? AND seq < ?", (Stream.METER, rows[0].seq, last.seq)
    )
    connection.execute("UPDATE outbox SET event = ? WHERE stream = ? AND seq = ?", (event, Stream.METER, last.seq))
