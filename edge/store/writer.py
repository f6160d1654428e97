"""The one writer: runs plain functions in a database transaction, many per commit.

One that raises takes nothing of its neighbours with it: the batch is then run again with a SAVEPOINT around each. The
statements run on the event loop; only the COMMIT, which waits for the disk, runs in a thread (docs/adr/0003). What is
committed is settled after that, *acknowledged means durable*, and best while the disk takes the next batch (0020).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any, TypeVar

import orjson
import structlog

from contract.events import EventData
from edge.clock import Clock
from edge.errors import StoreUnavailableError
from edge.store.outbox import Draft, Numbering, draft

Result = TypeVar("Result")

MAX_BATCH = 256
"""Operations per commit: bounds how long the event loop is busy before it looks at its sockets again."""

PROBE_INTERVAL_S = 1.0
BUSY_PATIENCE_S = 10.0
"""How long another process may hold the write lock before the store counts as unavailable."""
BUSY_PAUSE_S = 0.02

_log = structlog.get_logger()


class WriteTx:
    """What an operation may do: read and write through `connection`, and leave events for the outbox."""

    __slots__ = ("_drafts", "connection", "cursor")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.cursor = connection.cursor()
        """For a hot path that reads nothing through it."""
        self._drafts: list[Draft] = []

    def emit(self, event: EventData, *, subject: str, occurred_at: datetime) -> None:
        """Record an event; it is numbered when the batch commits and forgotten when this operation raises."""
        self._drafts.append(draft(event, subject=subject, occurred_at=occurred_at))

    def emit_data(self, kind: type[EventData], data: dict[str, Any], *, subject: str, occurred_at: str) -> None:
        """As `emit`, for a hot path that has the event's fields in JSON form already."""
        self._drafts.append(Draft(*_names(kind), subject, occurred_at, orjson.dumps(data)))

    def emit_draft(self, again: Draft) -> None:
        """As `emit`, for an event that has been written out before."""
        self._drafts.append(again)

    def take_drafts(self) -> list[Draft]:
        """Hand over the drafts of the operation that has just succeeded."""
        drafts, self._drafts = self._drafts, []
        return drafts


@cache
def _names(kind: type[EventData]) -> tuple[str, str]:
    return kind.TYPE, kind.STREAM.value


Operation = Callable[[WriteTx], Any]
"""May be run twice, when a neighbour in its batch raises: it touches nothing but the transaction."""


Settle = Callable[[Any, Exception | None], None]
"""Told the operation's result, or the error instead. Runs on the event loop, directly after the commit."""


@dataclass(slots=True)
class _Job:
    operation: Operation
    settle: Settle
    result: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class _Committed:
    """A batch on disk, of which nobody was told yet."""

    jobs: list[_Job]
    at: datetime
    has_events: bool


class Writer:
    """Serialises all writes of the process.

    Args:
        connection: opened by `store.database.connect`; nobody else writes through it.
        clock: stamps events.
        on_events: called after a commit that put events into the outbox.
        on_failure: called when a commit failed, before its operations learn of it.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        clock: Clock,
        *,
        on_events: Callable[[], None] = lambda: None,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._connection.execute("PRAGMA busy_timeout=0")  # waiting is done by `_begin`, which lets others run
        self._clock = clock
        self._on_events = on_events
        self._on_failure = on_failure
        self._queue: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._closed = asyncio.Event()
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commit")
        self._at_the_disk = threading.Lock()
        """Held, but for the moment in which a commit begins."""
        self._at_the_disk.acquire()
        self._committed: _Committed | None = None
        self.healthy = True
        """False from a failed commit until a probe write succeeds."""
        self.committed_at = clock.now()
        """When the commit of what is being settled came back."""

    def submit(self, operation: Operation, settle: Settle) -> None:
        """Queue `operation`; operations run in the order in which they were queued.

        Its error is `StoreUnavailableError` when the commit failed and nothing was stored, else whatever it raised
        itself: then its own writes were undone, and the rest of its batch was not.
        """
        job = _Job(operation, settle)
        if self._closed.is_set():
            job.error = StoreUnavailableError("The edge is stopping.")
            _settle(job)
            return
        self._queue.append(job)
        self._wake.set()

    async def run(self, operation: Callable[[WriteTx], Result]) -> Result:
        """Run `operation` inside the writer and return its result after the commit.

        Raises:
            StoreUnavailableError: the commit failed; nothing was stored.
            Exception: whatever `operation` raised.
        """
        settled: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.submit(operation, partial(_settle_future, settled))
        return await settled

    async def work(self) -> None:
        """Serve the queue until `close` was called and the queue is empty."""
        try:
            while not self._closing or self._queue:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    await self._commit_batch()
                self._settle_committed()
        finally:
            self._closed.set()
            self._settle_committed()
            for job in self._queue:
                job.error = StoreUnavailableError("The edge is stopping.")
                _settle(job)

    async def close(self) -> None:
        """Commit what is queued, then take nothing more."""
        self._closing = True
        self._wake.set()
        await self._closed.wait()
        self._disk.shutdown()

    async def probe(self) -> None:
        """Try a write each second while the store is unhealthy; a success makes it healthy again."""
        while True:
            await asyncio.sleep(PROBE_INTERVAL_S)
            if not self.healthy:
                try:
                    await self.run(_touch)
                except StoreUnavailableError:
                    continue
                self.healthy = True
                _log.info("store_recovered")

    async def _commit_batch(self) -> None:
        jobs = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]
        try:
            numbering = Numbering(self._clock, await self._run_all(jobs))
            numbering.write(self._connection)
            under_way = asyncio.get_running_loop().run_in_executor(self._disk, self._commit)
            self._at_the_disk.acquire()
            self._settle_committed()
            await under_way
        except sqlite3.Error as error:
            self._settle_committed()
            self._fail(jobs, error)
            return
        self._committed = _Committed(jobs, self._clock.now(), bool(numbering.drafts))

    def _commit(self) -> None:
        """In the thread. The event loop waits until it is here: else the disk would rest until the loop does, too."""
        self._at_the_disk.release()
        self._connection.commit()

    def _settle_committed(self) -> None:
        """Tell of the batch before this one, while the disk is busy with this one; or when there is no other."""
        if (done := self._committed) is None:
            return
        self._committed, self.committed_at = None, done.at
        for job in done.jobs:
            _settle(job)
        if done.has_events:
            self._on_events()

    async def _begin(self) -> None:
        """Take the write lock; while another process has it, wait without holding up the event loop."""
        for _ in range(int(BUSY_PATIENCE_S / BUSY_PAUSE_S)):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                self._settle_committed()
                await asyncio.sleep(BUSY_PAUSE_S)
            else:
                return
        self._connection.execute("BEGIN IMMEDIATE")

    async def _run_all(self, jobs: list[_Job]) -> list[Draft]:
        """Run a batch at once; when one of it raises, undo it all and run it again with each operation by itself."""
        await self._begin()
        tx = WriteTx(self._connection)
        try:
            for job in jobs:
                job.result = job.operation(tx)
        except sqlite3.OperationalError:
            raise  # disk full, I/O error, read-only: the store's trouble, not the operation's
        except Exception:  # noqa: BLE001 - the task border of somebody else's function
            self._connection.rollback()
            await self._begin()
            return self._run_apart(jobs)
        return tx.take_drafts()

    def _run_apart(self, jobs: list[_Job]) -> list[Draft]:
        """Run each operation in its SAVEPOINT, so that one that raises loses its own writes alone."""
        drafts: list[Draft] = []
        tx = WriteTx(self._connection)
        execute = self._connection.execute
        for job in jobs:
            execute("SAVEPOINT operation")
            try:
                job.result = job.operation(tx)
            except sqlite3.OperationalError:
                raise
            except Exception as error:  # noqa: BLE001 - the task border of somebody else's function
                job.result, job.error = None, error
                tx.take_drafts()
                execute("ROLLBACK TO operation")
            else:
                drafts += tx.take_drafts()
            execute("RELEASE operation")
        return drafts

    def _fail(self, jobs: list[_Job], error: sqlite3.Error) -> None:
        self.healthy = False
        _log.error("commit_failed", error=str(error), operations=len(jobs))
        if self._connection.in_transaction:
            self._connection.rollback()
        self._on_failure()
        unavailable = StoreUnavailableError(
            f"The database did not take a commit: {error}",
            hint="Check the disk's free space and health; charge points keep their records until it works again.",
        )
        for job in jobs:
            job.result, job.error = None, unavailable
            _settle(job)


def _touch(tx: WriteTx) -> None:
    tx.connection.execute("UPDATE identity SET one = one")


def _settle(job: _Job) -> None:
    try:
        job.settle(job.result, job.error)
    except Exception:  # noqa: BLE001 - a listener's fault must not take the writer down
        _log.exception("settling_failed")


def _settle_future(settled: asyncio.Future[Any], result: Any, error: Exception | None) -> None:  # noqa: ANN401 - any
    if settled.done():  # its waiter was cancelled; the write stands all the same
        return
    if error is not None:
        settled.set_exception(error)
    else:
        settled.set_result(result)
