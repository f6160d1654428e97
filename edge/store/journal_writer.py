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
from edge.store.frame_blocks import Direction, Entry, pack
from edge.store.readers import Readers

FLUSH_S = 0.5
CHUNK = 1024
"""Frames that are packed at once: about a millisecond in which the thread keeps the interpreter lock."""
FULL = 256
"""Frames of a block that gets no more. One with less is written again with what comes, since many frames need hardly
more room than one."""
TRIM_EVERY = 8 * 1024 * 1024
"""Bytes between two looks at age and size."""
IDLE_FLUSH = 1024
"""Bytes that a flush counts for at least: a quiet site looks at the age of its frames every hour."""
OVERHEAD = 256
"""Bytes of memory that a waiting frame takes beside its own."""
MAX_WAITING = 32 * 1024 * 1024
"""Bytes that may wait for the disk."""

Record = Callable[[datetime, str, Direction, bytes, str | None], None]
"""Takes a frame with its time and the action that it belongs to; never waits. `None`: a call says it itself, or it is
not known."""

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
        clock: says how old is old.
        days: how long frames are kept.
        max_mib: how large the file may be.
    """

    def __init__(self, path: Path, clock: Clock, *, days: int, max_mib: int) -> None:
        self._connection = journal.open_journal(path)
        self._now = clock.now
        self._kept = timedelta(days=days)
        self._max_bytes = max_mib * 1024 * 1024
        self._queue: deque[Entry] = deque()
        self._added = 0  # bytes; written on the event loop alone
        self._taken = 0  # bytes; written in the thread alone
        self._dropped = 0  # frames; written on the event loop alone
        self._told = 0  # frames of those that a gap row tells of
        self._failed = 0  # frames that the disk did not take
        self._since_trim = TRIM_EVERY
        self._number = journal.next_block(self._connection)
        self._begun: list[Entry] = []  # what lies in block `_number` already
        self._redactor = FrameRedactor()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def record(
        self, at: datetime, charge_point: str, direction: Direction, frame: bytes, action: str | None = None
    ) -> None:
        """Take a frame; never waits. What the disk cannot follow is counted and told as a gap."""
        size = len(frame) + OVERHEAD
        if self._added - self._taken + size > MAX_WAITING:
            self._dropped += 1
            return
        self._added += size
        self._queue.append((at, charge_point, direction, frame, action))

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
        number, begun = self._number, self._begun
        missing = dropped - self._told + self._failed
        if not self._queue and not missing:
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            if missing:
                self._put(self._gap(missing))
            while self._queue:
                entries = [self._queue.popleft() for _ in range(min(CHUNK, len(self._queue)))]
                taken += len(entries)
                self._taken += sum(len(entry[3]) + OVERHEAD for entry in entries)
                self._put(self._shown(entries))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._failed += taken
            self._number, self._begun = number, begun
            self._undo(error)
            return
        self._told, self._failed = dropped, 0
        self._since_trim += self._taken - before + IDLE_FLUSH
        if self._since_trim >= TRIM_EVERY:
            self._trim()

    def _put(self, entries: list[Entry]) -> None:
        """Write entries into the block that is begun, and begin another when it is full."""
        block = self._begun + entries
        journal.put(self._connection, self._number, pack(block))
        if len(block) < FULL:
            self._begun = block
        else:
            self._number, self._begun = self._number + 1, []

    def _gap(self, missing: int) -> list[Entry]:
        _log.warning("frames_not_recorded", frames=missing)
        return [(self._now(), "", Direction.GAP, str(missing).encode(), None)]

    def _undo(self, error: sqlite3.Error) -> None:
        _log.warning("journal_not_written", error=str(error), hint="Check the disk's free space and health.")
        self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _shown(self, entries: list[Entry]) -> list[Entry]:
        """Hide the secrets; of a frame where that fails nothing is shown: it must not end the thread."""
        if self._redactor.harmless([frame for _, _, _, frame, _ in entries]):
            return entries
        return [(at, who, way, self._redacted(who, frame), action) for at, who, way, frame, action in entries]

    def _redacted(self, charge_point: str, frame: bytes) -> bytes:
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
