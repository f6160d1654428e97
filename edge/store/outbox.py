"""The outbox: every event on its way to the cloud, numbered without holes and chained by a rolling hash.

A number is taken inside the database transaction that writes the row, so that what is numbered is what is stored.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from uuid_utils import uuid7

from contract.batch import CHECKPOINT_EVERY, GENESIS, next_hash
from contract.events import EventData, Skipped
from contract.link import StreamHead
from contract.streams import Stream
from edge.clock import Clock
from edge.domain.timestamps import iso
from edge.store import pasts


@dataclass(slots=True)
class Draft:
    """An event that has no number yet. Written out already: what cannot be written fails its own operation alone."""

    type: str
    stream: str
    subject: str
    occurred_at: str
    data: bytes
    """JSON."""


@dataclass(slots=True)
class Numbering:
    """Gives the drafts of one database transaction their numbers and hashes, and writes them in one go."""

    clock: Clock
    drafts: list[Draft] = field(default_factory=list)

    def write(self, connection: sqlite3.Connection) -> None:
        """Append all drafts to the outbox. Belongs directly before the COMMIT."""
        if not self.drafts:
            return
        heads = {
            row["stream"]: (row["head"], row["head_hash"])
            for row in connection.execute("SELECT stream, head, head_hash FROM stream")
        }
        stamp = _Stamp(self.clock)
        recorded_at = stamp.recorded_at
        rows = []
        for draft in self.drafts:
            stream = draft.stream
            head, previous = heads[stream]
            head += 1
            event = stamp.envelope(draft, head)
            chained = next_hash(previous, event)
            heads[stream] = head, chained
            rows.append((stream, head, recorded_at, event, chained))
        connection.executemany(
            "INSERT INTO outbox (stream, seq, recorded_at, event, hash) VALUES (?, ?, ?, ?, ?)", rows
        )
        connection.executemany(
            "UPDATE stream SET head = ?, head_hash = ? WHERE stream = ?",
            [(*heads[stream], stream) for stream in {draft.stream for draft in self.drafts}],
        )
        if checkpoints := [(row[0], row[1], row[4]) for row in rows if row[1] % CHECKPOINT_EVERY == 0]:
            pasts.remember(connection, checkpoints)


class _Stamp:
    """What all events of one database transaction share."""

    def __init__(self, clock: Clock) -> None:
        self.recorded_at = iso(clock.now())
        self._clock_synced = clock.synced()
        self._boot_id = clock.boot_id
        self._monotonic_ms = int(clock.boottime() * 1000)

    def envelope(self, draft: Draft, seq: int) -> bytes:
        return orjson.dumps(
            {
                "id": str(uuid7()),
                "seq": seq,
                "type": draft.type,
                "occurred_at": draft.occurred_at,
                "recorded_at": self.recorded_at,
                "clock_synced": self._clock_synced,
                "boot_id": self._boot_id,
                "monotonic_ms": self._monotonic_ms,
                "subject": draft.subject,
                "data": orjson.Fragment(draft.data),
            }
        )


def draft(event: EventData, *, subject: str, occurred_at: datetime) -> Draft:
    """Prepare an event for the outbox."""
    return Draft(event.TYPE, event.STREAM.value, subject, iso(occurred_at), event.model_dump_json().encode())


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One row of the outbox."""

    seq: int
    event: bytes
    hash: bytes


def read_after(
    connection: sqlite3.Connection, stream: Stream, after: int, *, limit: int, max_bytes: int
) -> list[StoredEvent]:
    """Read what follows event `after`, in order: at most `limit`, and at most `max_bytes` unless the first is larger.

    Where events have been removed, a `Skipped` stands for them; it may begin at or below `after`.

    Returns:
        The events; empty when there are none, or when the outbox has a hole there.
    """
    gap = _pruned_after(connection, stream, after)
    events = [] if gap is None else [gap]
    total = sum(len(event.event) for event in events)
    for row in connection.execute(
        "SELECT seq, event, hash FROM outbox WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?",
        (stream, after if gap is None else gap.seq, limit),
    ):
        total += len(row["event"]) + 1
        if events and total > max_bytes:
            break
        events.append(StoredEvent(row["seq"], row["event"], row["hash"]))
    return events if events and _first_number(events[0]) <= after + 1 else []


def _pruned_after(connection: sqlite3.Connection, stream: Stream, after: int) -> StoredEvent | None:
    """Stand in for events that the cloud once had, and asks for again after they were removed here."""
    row = connection.execute("SELECT pruned, pruned_hash, pruned_at FROM stream WHERE stream = ?", (stream,)).fetchone()
    if after >= row["pruned"]:
        return None
    skipped = {
        "first": after + 1,
        "last": row["pruned"],
        "count": row["pruned"] - after,
        "why": "acknowledged once, and no longer kept at the edge",
        "hash_after": bytes(row["pruned_hash"]).hex(),
    }
    return StoredEvent(row["pruned"], stand_in(row["pruned"], row["pruned_at"], skipped), row["pruned_hash"])


def _first_number(event: StoredEvent) -> int:
    content = orjson.loads(event.event)
    return int(content["data"]["first"]) if content["type"] == Skipped.TYPE else event.seq


def hash_at(connection: sqlite3.Connection, stream: Stream, seq: int) -> bytes | None:
    """Look up the rolling hash after event `seq`; `None` when that event is not kept (or never existed)."""
    if seq == 0:
        return GENESIS
    row = connection.execute("SELECT hash FROM outbox WHERE stream = ? AND seq = ?", (stream, seq)).fetchone()
    if row is None:
        row = connection.execute(
            """SELECT acknowledged_hash AS hash FROM stream WHERE stream = ?1 AND acknowledged = ?2
               UNION ALL SELECT pruned_hash FROM stream WHERE stream = ?1 AND pruned = ?2 AND pruned > 0
               UNION ALL SELECT hash FROM checkpoint WHERE stream = ?1 AND seq = ?2""",
            (stream, seq),
        ).fetchone()
    return None if row is None else bytes(row["hash"])


def is_removed(connection: sqlite3.Connection, stream: Stream, seq: int) -> bool:
    """Whether event `seq` was here once and was removed: there is no hash of it to compare any more."""
    row = connection.execute("SELECT head, pruned FROM stream WHERE stream = ?", (stream,)).fetchone()
    if not 0 < seq < row["head"]:
        return False
    if seq < row["pruned"]:
        return True
    following = read_after(connection, stream, seq, limit=1, max_bytes=0)
    return bool(following) and _first_number(following[0]) <= seq


def heads(connection: sqlite3.Connection) -> dict[Stream, StreamHead]:
    """What the outbox holds of each stream."""
    return {
        Stream(row["stream"]): StreamHead(
            head=row["head"],
            acknowledged=row["acknowledged"],
            oldest_kept=row["oldest"] or 0,
            hash=bytes(row["head_hash"]).hex(),
        )
        for row in connection.execute("""
            SELECT stream, head, head_hash, acknowledged,
                   (SELECT min(seq) FROM outbox WHERE outbox.stream = stream.stream) AS oldest
            FROM stream""")
    }


def oldest_unsent(connection: sqlite3.Connection, stream: Stream) -> str | None:
    """Tell when the oldest unacknowledged event was recorded; `None`: everything is acknowledged."""
    row = connection.execute(
        """SELECT recorded_at FROM outbox WHERE stream = ?1
           AND seq > (SELECT acknowledged FROM stream WHERE stream = ?1) ORDER BY seq LIMIT 1""",
        (stream,),
    ).fetchone()
    return None if row is None else str(row["recorded_at"])


def acknowledge(connection: sqlite3.Connection, stream: Stream, cursor: int, chained: bytes) -> None:
    """Remember the cloud's committed cursor. Never goes back; rows stay until retention removes them."""
    connection.execute(
        "UPDATE stream SET acknowledged = ?2, acknowledged_hash = ?3 WHERE stream = ?1 AND acknowledged < ?2",
        (stream, cursor, chained),
    )


def stand_at(connection: sqlite3.Connection, stream: Stream, cursor: int, chained: bytes) -> None:
    """Remember where the cloud stands, as it greeted.

    A restored cloud stands lower than before: what lies behind its cursor is there no longer, and is kept here.
    """
    connection.execute(
        "UPDATE stream SET acknowledged = ?2, acknowledged_hash = ?3 WHERE stream = ?1 AND acknowledged <> ?2",
        (stream, cursor, chained),
    )


def set_aside(connection: sqlite3.Connection, stream: Stream, seq: int, *, why: str, now: datetime) -> bool:
    """Let a `Skipped` take an event's place on its way up; the event itself moves to `set_aside`.

    The row keeps its number and its rolling hash, so the chain goes on as if the event had been sent. A `Skipped` that
    brings values which stayed of its range gives place to one that brings none.

    Args:
        connection: the store.
        stream: of the event.
        seq: its number, or any number that it stands for; the cloud names the first.
        why: what the cloud said.
        now: the time.

    Returns:
        Whether it was done; not when there is no such event, or when it is a `Skipped` that brings nothing.
    """
    row = connection.execute(
        "SELECT seq, recorded_at, event, hash FROM outbox WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT 1",
        (stream, seq),
    ).fetchone()
    skipped = None if row is None else _in_place_of(row["seq"], row["event"], row["hash"], why)
    if skipped is None or skipped.first > seq:
        return False
    connection.execute(
        "INSERT INTO set_aside (stream, seq, set_aside_at, why, event) VALUES (?, ?, ?, ?, ?)",
        (stream, row["seq"], iso(now), why, row["event"]),
    )
    connection.execute(
        "UPDATE outbox SET event = ? WHERE stream = ? AND seq = ?",
        (stand_in(row["seq"], row["recorded_at"], skipped.model_dump(mode="json")), stream, row["seq"]),
    )
    return True


def _in_place_of(seq: int, event: bytes, chained: bytes, why: str) -> Skipped | None:
    """The `Skipped` that goes up for an event; `None`: the event is one that cannot be made any smaller."""
    if not _is_skipped(event):
        return Skipped(first=seq, last=seq, count=1, why=why, hash_after=bytes(chained).hex())
    data = orjson.loads(event)["data"]
    if not data.get("kept"):
        return None
    return Skipped(
        first=data["first"], last=seq, count=data["count"], why=f"{data['why']}; {why}", hash_after=data["hash_after"]
    )


def stand_in(seq: int, recorded_at: str, skipped: dict[str, Any]) -> bytes:
    """Write the event that takes the place of others; no field of theirs is taken over, since any may be the reason.

    Args:
        seq: the last number that it stands for.
        recorded_at: when the last of them was recorded.
        skipped: a `contract.events.Skipped` in JSON form.
    """
    return orjson.dumps(
        {
            "id": str(uuid7()),
            "seq": seq,
            "type": Skipped.TYPE,
            "occurred_at": recorded_at,
            "recorded_at": recorded_at,
            "clock_synced": False,
            "boot_id": "",
            "monotonic_ms": 0,
            "subject": "edge",
            "data": skipped,
        }
    )


def _is_skipped(event: bytes) -> bool:
    try:
        return bool(orjson.loads(event)["type"] == Skipped.TYPE)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return False
