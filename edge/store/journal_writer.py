"""Writes the frame journal: the event loop only appends, a thread of its own does the rest (docs/adr/0009)."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from edge.clock import Clock
from edge.domain.redaction import REDACTED, FrameRedactor
from edge.store import journal
from edge.store.journal import Direction, Row, milliseconds
from edge.store.readers import Readers

FLUSH_S = 0.5
CHUNK = 100
"""Frames per statement. Small, so that the thread never keeps the interpreter lock for long."""
TRIM_EVERY = 8 * 1024 * 1024
"""Bytes between two looks at age and size."""
IDLE_FLUSH = 1024
"""Bytes that a flush counts for at least: a quiet site looks at the age of its frames every hour."""
OVERHEAD = 256
"""Bytes of memory that a waiting frame takes beside its own."""
MAX_WAITING = 32 * 1024 * 1024
"""Bytes that may wait for the disk."""
MAX_OPEN_CALLS = 20_000
"""Calls whose action is remembered for their answer."""

_Entry = tuple[datetime, str, Direction, bytes]

Record = Callable[[str, Direction, bytes], None]
"""Takes a frame; never waits."""

_log = structlog.get_logger()


@contextlib.contextmanager
def kept_journal(path: Path, clock: Clock, *, days: int, max_mib: int) -> Iterator[tuple[Record, Readers | None]]:
    """Keep the frame journal within the block; gives who takes frames, and who reads them. No MiB: none is kept."""
    if max_mib == 0:
        yield lambda *_: None, None
        return
    with (
        contextlib.closing(JournalWriter(path, clock, days=days, max_mib=max_mib)) as writer,
        contextlib.closing(Readers(path, threads=1)) as readers,
    ):
        yield writer.record, readers


class JournalWriter:
    """Takes frames on the event loop and writes them from a thread of its own.

    Args:
        path: the journal's file.
        clock: stamps frames.
        days: how long frames are kept.
        max_mib: how large the file may be.
    """

    def __init__(self, path: Path, clock: Clock, *, days: int, max_mib: int) -> None:
        self._connection = journal.open_journal(path)
        self._now = clock.now
        self._kept = timedelta(days=days)
        self._max_bytes = max_mib * 1024 * 1024
        self._queue: deque[_Entry] = deque()
        self._added = 0  # bytes; written on the event loop alone
        self._taken = 0  # bytes; written in the thread alone
        self._dropped = 0  # frames; written on the event loop alone
        self._told = 0  # frames of those that a gap row tells of
        self._failed = 0  # frames that the disk did not take
        self._since_trim = TRIM_EVERY
        self._calls: dict[tuple[str, bool, str], str] = {}
        self._redactor = FrameRedactor()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def record(self, charge_point: str, direction: Direction, frame: bytes) -> None:
        """Take a frame; never waits. What the disk cannot follow is counted and told as a gap."""
        size = len(frame) + OVERHEAD
        if self._added - self._taken + size > MAX_WAITING:
            self._dropped += 1
            return
        self._added += size
        self._queue.append((self._now(), charge_point, direction, frame))

    def close(self) -> None:
        """Write what waits, and stop."""
        self._stop.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while not self._stop.wait(FLUSH_S):
            self._flush_safely()
        self._flush_safely()

    def _flush_safely(self) -> None:
        try:
            self._flush()
        except Exception:  # noqa: BLE001 - the thread's border: without it no frame would be recorded any more
            _log.exception("journal_failed")
            self._roll_back()

    def _flush(self) -> None:
        """Write everything that waits, in one database transaction."""
        dropped, taken, before = self._dropped, 0, self._taken
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            if missing := dropped - self._told + self._failed:
                self._tell_gap(missing)
            while self._queue:
                entries = [self._queue.popleft() for _ in range(min(CHUNK, len(self._queue)))]
                taken += len(entries)
                self._taken += sum(len(entry[3]) + OVERHEAD for entry in entries)
                journal.insert(self._connection, [self._row(*entry) for entry in entries])
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._failed += taken
            self._undo(error)
            return
        self._told, self._failed = dropped, 0
        self._since_trim += self._taken - before + IDLE_FLUSH
        if self._since_trim >= TRIM_EVERY:
            self._trim()

    def _tell_gap(self, missing: int) -> None:
        row: Row = (milliseconds(self._now()), "", Direction.GAP.value, None, None, str(missing).encode())
        journal.insert(self._connection, [row])
        _log.warning("frames_not_recorded", frames=missing)

    def _undo(self, error: sqlite3.Error) -> None:
        _log.warning("journal_not_written", error=str(error), hint="Check the disk's free space and health.")
        self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _row(self, at: datetime, charge_point: str, direction: Direction, frame: bytes) -> Row:
        shown = self._shown(charge_point, frame)
        is_call, message_id, action = journal.head(shown)
        if message_id is not None:
            received = direction is Direction.RECEIVED
            if not is_call:
                action = self._calls.pop((charge_point, not received, message_id), None)
            elif action is not None:
                if len(self._calls) >= MAX_OPEN_CALLS:
                    self._calls.clear()
                self._calls[charge_point, received, message_id] = action
        return milliseconds(at), charge_point, direction.value, action, message_id, shown

    def _shown(self, charge_point: str, frame: bytes) -> bytes:
        """Hide the secrets; of a frame where that fails nothing is shown: it must not end the thread."""
        try:
            return self._redactor.redact(frame)[: journal.MAX_FRAME]
        except Exception:  # noqa: BLE001 - any charge point may send anything
            _log.exception("frame_not_redacted", charge_point=charge_point, size=len(frame))
            return REDACTED.encode()

    def _trim(self) -> None:
        self._since_trim = 0
        try:
            while journal.trim(self._connection, before=self._now() - self._kept, max_bytes=self._max_bytes):
                if self._added - self._taken > MAX_WAITING // 4:
                    self._since_trim = TRIM_EVERY  # go on after the next flush
                    return
        except sqlite3.Error as error:
            self._undo(error)
