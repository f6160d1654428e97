"""The frame journal's own SQLite file: every frame both ways, without its secrets (docs/adr/0009)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache
from pathlib import Path

import structlog

from edge.errors import StoreError
from edge.store.database import connect

MAX_FRAME = 1_000_000
"""Bytes of a frame that are kept."""

AUTO_VACUUM_PAGES = 2000
"""Pages given back to the disk at once, at most: 8 MiB."""

TRIMMED_AT_ONCE = 20_000

_HEAD = re.compile(rb'\s*\[\s*([234])\s*,\s*(?:"([^"\\]{0,255})"|([0-9.]{1,30}))(?:\s*,\s*"([A-Za-z]{1,64})")?')
_CALL = b"2"

_log = structlog.get_logger()


class Direction(IntEnum):
    """Which way a frame went."""

    RECEIVED = 0
    """From the charge point."""
    SENT = 1
    """To it."""
    GAP = 2
    """No frame: so many were not recorded, since the disk could not follow."""


Row = tuple[int, str, int, str | None, str | None, bytes]
"""Milliseconds since 1970, charge point, direction, action, message id, frame; a gap's frame is its number."""


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One row."""

    id: int
    at: datetime
    charge_point: str
    direction: Direction
    action: str | None
    """Of an answer: that of its call. `None`: not known."""
    message_id: str | None
    frame: bytes


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; `None` leaves it open."""

    charge_point: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    action: str | None = None
    message_id: str | None = None
    text: str | None = None
    """Found anywhere in the frame, upper and lower case as written."""


def open_journal(path: Path) -> sqlite3.Connection:
    """Open the file to write; a broken one is set aside, since the journal is worth less than a running edge."""
    try:
        return _open(path)
    except (StoreError, sqlite3.DatabaseError) as error:
        cause = error.__cause__ if isinstance(error, StoreError) else error
        if isinstance(cause, sqlite3.OperationalError):  # the disk's trouble, not the file's
            raise
        _log.warning("journal_set_aside", error=str(error), kept_as=f"{path}.broken")
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        path.replace(f"{path}.broken")
        return _open(path)


def _open(path: Path) -> sqlite3.Connection:
    if not path.exists():  # its mode must be set before the first page is written
        fresh = sqlite3.connect(path, isolation_level=None)
        fresh.execute("PRAGMA auto_vacuum=INCREMENTAL")
        fresh.execute("VACUUM")
        fresh.close()
    connection = connect(path, synchronous="NORMAL")
    connection.execute(
        """CREATE TABLE IF NOT EXISTS frame (
               id INTEGER PRIMARY KEY, at INTEGER NOT NULL, charge_point TEXT NOT NULL, direction INTEGER NOT NULL,
               action TEXT, message_id TEXT, frame BLOB NOT NULL
           ) STRICT"""
    )
    connection.execute("CREATE INDEX IF NOT EXISTS frame_at ON frame (at)")
    connection.execute("CREATE INDEX IF NOT EXISTS frame_of_charge_point ON frame (charge_point)")
    return connection


def head(frame: bytes) -> tuple[bool, str | None, str | None]:
    """Read whether a frame is a CALL, its message id, and a CALL's action."""
    found = _HEAD.match(frame)
    if found is None:
        return False, None, None
    kind, message_id, number, action = found.groups()
    is_call = kind == _CALL
    text = (message_id if message_id is not None else number).decode(errors="replace")
    return is_call, text, action.decode() if is_call and action is not None else None


@cache
def _insert(rows: int) -> str:
    values = ", ".join(["(?, ?, ?, ?, ?, ?)"] * rows)
    return f"INSERT INTO frame (at, charge_point, direction, action, message_id, frame) VALUES {values}"  # noqa: S608


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Write rows with one statement: the interpreter lock is given up and taken again once, not once per row."""
    connection.execute(_insert(len(rows)), [value for row in rows for value in row])


def search(
    connection: sqlite3.Connection, wanted: Search, *, before: int | None, limit: int, max_bytes: int = 4_000_000
) -> tuple[list[RecordedFrame], bool]:
    """List frames, newest first: at most `limit`, and at most `max_bytes` of them unless the first is larger.

    Returns:
        The frames, and whether there are more.
    """
    conditions, values = _conditions(connection, wanted, before)
    rows = connection.execute(
        f"SELECT * FROM frame WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?",  # noqa: S608 - own text
        [*values, limit + 1],
    )
    found: list[RecordedFrame] = []
    total = 0
    for row in rows:
        total += len(row["frame"])
        if len(found) == limit or (found and total > max_bytes):
            return found, True
        found.append(_frame(row))
    return found, False


def _conditions(
    connection: sqlite3.Connection, wanted: Search, before: int | None
) -> tuple[list[str], list[str | int | bytes]]:
    """Name what rows must fulfil. A time is turned into an id as well, since ids are what the list goes along."""
    conditions: dict[str, str | int | bytes | None] = {
        "id < ?": before,
        "charge_point = ?": wanted.charge_point,
        "action = ?": wanted.action,
        "message_id = ?": wanted.message_id,
        "instr(frame, ?) > 0": None if wanted.text is None else wanted.text.encode(),
    }
    if wanted.since is not None:
        conditions["at >= ?"] = since = milliseconds(wanted.since)
        first = connection.execute("SELECT id FROM frame WHERE at >= ? ORDER BY at, id LIMIT 1", (since,)).fetchone()
        conditions["id >= ?"] = 0 if first is None else first[0]
    if wanted.until is not None:
        conditions["at <= ?"] = until = milliseconds(wanted.until)
        last = connection.execute(
            "SELECT id FROM frame WHERE at <= ? ORDER BY at DESC, id DESC LIMIT 1", (until,)
        ).fetchone()
        conditions["id <= ?"] = 0 if last is None else last[0]
    kept = {condition: value for condition, value in conditions.items() if value is not None}
    return [*kept] or ["TRUE"], [*kept.values()]


def calls_between(connection: sqlite3.Connection, since: datetime, until: datetime) -> Iterator[RecordedFrame]:
    """Read what charge points said in a time, and the gaps, oldest first."""
    rows = connection.execute(
        "SELECT * FROM frame WHERE at >= ? AND at <= ? AND direction IN (?, ?) ORDER BY at, id",
        (milliseconds(since), milliseconds(until), Direction.RECEIVED.value, Direction.GAP.value),
    )
    return map(_frame, rows)


def oldest(connection: sqlite3.Connection) -> datetime | None:
    """When the oldest frame that is still kept went over the wire; `None`: there is none."""
    row = connection.execute("SELECT at FROM frame ORDER BY id LIMIT 1").fetchone()
    return None if row is None else instant(row[0])


def trim(connection: sqlite3.Connection, *, before: datetime, max_bytes: int) -> int:
    """Remove what is too old, and the oldest while the file is too large; some of it at a time.

    Returns:
        How many rows went; while it is more than none, there may be more to do.
    """
    removed = connection.execute(
        """DELETE FROM frame WHERE at < ? AND id IN (SELECT id FROM frame ORDER BY id LIMIT ?)""",
        (milliseconds(before), TRIMMED_AT_ONCE),
    ).rowcount
    if removed == 0 and _used_bytes(connection) > max_bytes:
        tenth = connection.execute("SELECT (max(id) - min(id)) / 10 + 1 FROM frame").fetchone()[0] or 0
        removed = connection.execute(
            "DELETE FROM frame WHERE id IN (SELECT id FROM frame ORDER BY id LIMIT ?)", (min(tenth, TRIMMED_AT_ONCE),)
        ).rowcount
    # As a script, since `execute` stops after the pragma's first page.
    connection.executescript(f"PRAGMA incremental_vacuum({AUTO_VACUUM_PAGES});")
    return removed


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def milliseconds(at: datetime) -> int:
    """Write an instant as the journal keeps it."""
    return int(at.timestamp() * 1000 + 0.5)


def instant(at: int) -> datetime:
    """Read an instant as the journal keeps it."""
    return datetime.fromtimestamp(at / 1000, UTC)


def _frame(row: sqlite3.Row) -> RecordedFrame:
    return RecordedFrame(
        id=row["id"],
        at=instant(row["at"]),
        charge_point=row["charge_point"],
        direction=Direction(row["direction"]),
        action=row["action"],
        message_id=row["message_id"],
        frame=row["frame"],
    )
