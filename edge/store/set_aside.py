"""Events that the cloud could not take. A `Skipped` stands in their place; here they wait to be sent once more."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

import orjson

from contract.batch import Envelope
from contract.events import Skipped
from contract.streams import Stream
from edge.domain.timestamps import iso
from edge.store.outbox import Draft
from edge.store.writer import WriteTx


@dataclass(frozen=True, slots=True)
class SetAside:
    """One event that was set aside."""

    number: int
    stream: Stream
    seq: int
    """The number that it had in its stream; its `Skipped` has it now."""
    set_aside_at: str
    why: str
    """What the cloud said."""
    event: bytes
    sent_again_at: str | None
    """When it was put into its stream again, under a new number; `None`: not yet."""


def page(connection: sqlite3.Connection, *, before: int | None, limit: int) -> list[SetAside]:
    """List them, newest first."""
    rows = connection.execute(
        "SELECT * FROM set_aside WHERE number < ? ORDER BY number DESC LIMIT ?",
        (2**62 if before is None else before, limit),
    )
    return [_read(row) for row in rows]


def count_waiting(connection: sqlite3.Connection) -> int:
    """How many have not been sent again."""
    row = connection.execute("SELECT count(*) FROM set_aside WHERE sent_again_at IS NULL").fetchone()
    return int(row[0])


def send_again(tx: WriteTx, now: datetime, *, limit: int) -> tuple[int, int]:
    """Put waiting events into their streams again, under new numbers; what happened then keeps its time.

    Returns:
        How many went, and how many cannot: their bytes are no event, or they stand for a range that was thinned.
    """
    went = unreadable = 0
    waiting = tx.connection.execute("SELECT number FROM set_aside WHERE sent_again_at IS NULL ORDER BY number")
    for (number,) in waiting.fetchall():
        if went == limit:
            break
        row = tx.connection.execute("SELECT * FROM set_aside WHERE number = ?", (number,)).fetchone()
        kept = _read(row)
        if (again := _draft(kept)) is None:
            unreadable += 1
            continue
        tx.emit_draft(again)
        tx.connection.execute("UPDATE set_aside SET sent_again_at = ? WHERE number = ?", (iso(now), kept.number))
        went += 1
    return went, unreadable


def _draft(kept: SetAside) -> Draft | None:
    try:
        event = Envelope.model_validate_json(kept.event)
    except ValueError:
        return None
    if event.type == Skipped.TYPE:  # its range has passed; under a new number it would be none
        return None
    return Draft(event.type, kept.stream.value, event.subject, iso(event.occurred_at), orjson.dumps(event.data))


def _read(row: sqlite3.Row) -> SetAside:
    return SetAside(
        number=row["number"],
        stream=Stream(row["stream"]),
        seq=row["seq"],
        set_aside_at=row["set_aside_at"],
        why=row["why"],
        event=bytes(row["event"]),
        sent_again_at=row["sent_again_at"],
    )
