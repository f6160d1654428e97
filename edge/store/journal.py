"""The frame journal's own SQLite file: every frame both ways, without its secrets (docs/adr/0009)."""

from __future__ import annotations

import heapq
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson
import structlog

from edge.errors import StoreError
from edge.store.database import connect
from edge.store.frame_blocks import MOST_FRAMES, Block, Direction, RecordedFrame, instant, milliseconds, unpack

MAX_FRAME = 1_000_000
"""Bytes of a frame that are kept."""

AUTO_VACUUM_PAGES = 2000
"""Pages given back to the disk at once, at most: 8 MiB."""

TRIMMED_AT_ONCE = 1000
"""Blocks."""

MOST_BYTES_READ = 64_000_000
"""Of frames that one page of a search looks through: about half a second."""

_SCHEMA = """
DROP TABLE IF EXISTS frame;
CREATE TABLE IF NOT EXISTS block (
    id INTEGER PRIMARY KEY,
    first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, charge_points TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS content (id INTEGER PRIMARY KEY, heads BLOB NOT NULL, frames BLOB NOT NULL) STRICT;
"""
"""Two tables, so that finding a charge point's blocks reads nothing of what lies in them. `frame` is what the first
journal had: a row for each."""

_log = structlog.get_logger()


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
    connection.executescript(_SCHEMA)
    return connection


def next_block(connection: sqlite3.Connection) -> int:
    """Number the block that comes next."""
    return int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM block").fetchone()[0])


def put(connection: sqlite3.Connection, number: int, block: Block) -> None:
    """Write a block, in the place of what was written of it before."""
    connection.execute(
        "INSERT OR REPLACE INTO block (id, first_at, last_at, charge_points) VALUES (?, ?, ?, ?)",
        (number, block.first_at, block.last_at, block.charge_points),
    )
    connection.execute(
        "INSERT OR REPLACE INTO content (id, heads, frames) VALUES (?, ?, ?)", (number, block.heads, block.frames)
    )


def search(
    connection: sqlite3.Connection, wanted: Search, *, before: int | None, limit: int, max_bytes: int = 4_000_000
) -> tuple[list[RecordedFrame], int | None]:
    """List frames, newest first.

    Args:
        connection: to read through.
        wanted: what they must fulfil.
        before: where the last page ended; `None`: begin with the newest.
        limit: at most so many.
        max_bytes: at most so many bytes of them, unless the first is larger.

    Returns:
        The frames, and where this page ended; `None`: there are no more. A page ends early, and may be empty, when much
        was looked through (`MOST_BYTES_READ`).
    """
    found: list[RecordedFrame] = []
    total = looked_through = 0
    needle = (wanted.text or wanted.message_id or "").encode()
    for number, heads, packed in _blocks(connection, wanted, before):
        frames = zlib.decompress(packed)
        looked_through += len(frames)
        for frame in reversed([*unpack(number, heads, frames)]) if needle in frames else ():
            if (before is not None and frame.id >= before) or not _fulfils(frame, wanted):
                continue
            total += len(frame.frame)
            if len(found) == limit or (found and total > max_bytes):
                return found, found[-1].id
            found.append(frame)
        if looked_through > MOST_BYTES_READ:
            return found, number * MOST_FRAMES
    return found, None


def _blocks(connection: sqlite3.Connection, wanted: Search, before: int | None) -> sqlite3.Cursor:
    """Read the blocks that may hold what is wanted, the newest first."""
    conditions: dict[str, str | int | None] = {
        "id <= ?": None if before is None else (before - 1) // MOST_FRAMES,
        "last_at >= ?": None if wanted.since is None else milliseconds(wanted.since),
        "first_at <= ?": None if wanted.until is None else milliseconds(wanted.until),
        "instr(charge_points, ?) > 0": None if wanted.charge_point is None else _quoted(wanted.charge_point),
    }
    kept = {condition: value for condition, value in conditions.items() if value is not None}
    return connection.execute(
        "SELECT id, heads, frames FROM block JOIN content USING (id) "  # noqa: S608 - own text
        f"WHERE {' AND '.join(kept) or 'TRUE'} ORDER BY id DESC",
        [*kept.values()],
    )


def _quoted(charge_point: str) -> str:
    return orjson.dumps(charge_point).decode()


def _fulfils(frame: RecordedFrame, wanted: Search) -> bool:
    return (
        (wanted.charge_point is None or frame.charge_point == wanted.charge_point)
        and (wanted.action is None or frame.action == wanted.action)
        and (wanted.message_id is None or frame.message_id == wanted.message_id)
        and (wanted.text is None or wanted.text.encode() in frame.frame)
        and (wanted.since is None or milliseconds(frame.at) >= milliseconds(wanted.since))
        and (wanted.until is None or milliseconds(frame.at) <= milliseconds(wanted.until))
    )


def calls_between(connection: sqlite3.Connection, since: datetime, until: datetime) -> Iterator[RecordedFrame]:
    """Read what charge points said in a time, and the gaps, oldest first."""
    first, last = milliseconds(since), milliseconds(until)
    waiting: list[tuple[datetime, int, RecordedFrame]] = []
    for number, first_at, heads, packed in connection.execute(
        """SELECT id, first_at, heads, frames FROM block JOIN content USING (id)
           WHERE last_at >= ? AND first_at <= ? ORDER BY first_at, id""",
        (first, last),
    ):
        while waiting and waiting[0][0] < instant(first_at):  # a clock that was set back makes blocks overlap
            yield heapq.heappop(waiting)[2]
        for frame in unpack(number, heads, zlib.decompress(packed)):
            if frame.direction is not Direction.SENT and first <= milliseconds(frame.at) <= last:
                heapq.heappush(waiting, (frame.at, frame.id, frame))
    while waiting:
        yield heapq.heappop(waiting)[2]


def oldest(connection: sqlite3.Connection) -> datetime | None:
    """When the oldest frame that is still kept went over the wire; `None`: there is none."""
    row = connection.execute("SELECT first_at FROM block ORDER BY id LIMIT 1").fetchone()
    return None if row is None else instant(row[0])


def trim(connection: sqlite3.Connection, *, before: datetime, max_bytes: int) -> int:
    """Remove what is too old, and the oldest while the file is too large; some of it at a time.

    Returns:
        How many blocks went; while it is more than none, there may be more to do.
    """
    oldest_blocks = "SELECT id FROM block WHERE id IN (SELECT id FROM block ORDER BY id LIMIT ?)"
    gone = connection.execute(f"{oldest_blocks} AND last_at < ?", (TRIMMED_AT_ONCE, milliseconds(before))).fetchall()
    if not gone and _used_bytes(connection) > max_bytes:
        tenth = connection.execute("SELECT count(*) / 10 + 1 FROM block").fetchone()[0]
        gone = connection.execute(oldest_blocks, (min(tenth, TRIMMED_AT_ONCE),)).fetchall()
    if gone:
        numbers = orjson.dumps([number for (number,) in gone]).decode()
        connection.execute("BEGIN IMMEDIATE")
        for table in ("content", "block"):
            connection.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608 - own text
                (numbers,),
            )
        connection.execute("COMMIT")
    # As a script, since `execute` stops after the pragma's first page.
    connection.executescript(f"PRAGMA incremental_vacuum({AUTO_VACUUM_PAGES});")
    return len(gone)


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
