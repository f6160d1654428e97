"""Brings the directory down: asks for what has changed, or for a snapshot where that would mean nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from contract.directory import DirectoryAnswer, DirectoryRequest, DirectorySet
from contract.directory_events import DirectoryApplied
from edge.clock import Clock
from edge.domain.directory import Held, Verdict, judge, question
from edge.errors import StoreUnavailableError
from edge.store import directory, identity, upkeep_tasks
from edge.store.readers import Readers
from edge.store.writer import Writer, WriteTx
from edge.sync.backoff import Backoff
from edge.sync.carrier import Carrier, Conflict, Refused, Unavailable

CHECK_EVERY_S = 300.0
LEAST_PAUSE_S = 0.05
ROUNDS = 8
"""Questions in a row about one set, each for a reason of its own, before a pause."""
MOST_SLICES = 2_000

_log = structlog.get_logger()

_OTHER_CLOUD = Conflict("The directory came from another cloud database than the one that was greeted.")


@dataclass(frozen=True, slots=True)
class _Round:
    """What one question brought, all its slices applied."""

    first_version: int
    last: DirectoryAnswer
    held_hash: str


class DirectoryFollower:
    """Keeps the sets of the directory as the cloud has them.

    Args:
        writer: for what is applied, and for telling of it.
        readers: for what is held.
        clock: stamps what is applied.
        carrier: brings the slices.
        backoff: its own: a directory that cannot be had stops nothing else.
        on_conflict: told when another cloud database answered than the one that was greeted.
        check_every_s: seconds from one look at all sets to the next.
    """

    def __init__(
        self,
        *,
        writer: Writer,
        readers: Readers,
        clock: Clock,
        carrier: Carrier,
        backoff: Backoff,
        on_conflict: Callable[[Conflict], None] = lambda _: None,
        check_every_s: float = CHECK_EVERY_S,
    ) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._carrier = carrier
        self._backoff = backoff
        self._on_conflict = on_conflict
        self._check_every_s = check_every_s
        self._wake = asyncio.Event()
        self._due = set(DirectorySet)
        self._versions: dict[DirectorySet, int] = {}
        """As the edge knows them held, to tell news from what is known."""

    def greeted(self) -> None:
        """Look at all sets: the link has just come up."""
        self._due.update(DirectorySet)
        self._wake.set()

    def told(self, versions: Mapping[str, int]) -> None:
        """Pull the sets whose version is another one than is held."""
        news = {name for name in DirectorySet if versions.get(name.value, 0) != self._versions.get(name, 0)}
        if news - self._due:
            self._due |= news
            self._wake.set()

    async def run(self, ready: asyncio.Event) -> None:
        """Work until cancelled, while `ready` is set."""
        while True:
            await ready.wait()
            self._wake.clear()
            for name in DirectorySet:  # in their order: id tags first
                if name in self._due and not await self._brought(name):
                    break
            if self._due:  # one could not be brought, or another has changed meanwhile
                await asyncio.sleep(max(LEAST_PAUSE_S, self._backoff.until - self._clock.monotonic()))
                continue
            try:
                async with asyncio.timeout(self._check_every_s):
                    await self._wake.wait()
            except TimeoutError:
                self._due.update(DirectorySet)

    async def _brought(self, name: DirectorySet) -> bool:
        """Bring one set down; what goes wrong costs a pause and nothing else."""
        try:
            outcome = await self.pull(name)
        except (StoreUnavailableError, sqlite3.Error) as error:
            outcome = Unavailable(f"The edge's own store failed: {error}", lost=False)
        except Exception as error:  # noqa: BLE001 - the task border: the directory must never take the link down
            _log.exception("directory_pull_broke", set=name.value)
            outcome = Unavailable(f"The directory could not be pulled: {type(error).__name__}", lost=False)
        if isinstance(outcome, int):
            self._versions[name] = outcome
            self._due.discard(name)
            self._backoff.succeeded()
            return True
        if not self._backoff.failures:
            _log.warning("directory_not_pulled", set=name.value, why=outcome.why)
        asked, busy = (outcome.retry_after_s, outcome.busy) if isinstance(outcome, Unavailable) else (None, False)
        self._backoff.failed(self._clock.monotonic(), asked, busy=busy)
        if isinstance(outcome, Conflict):
            self._on_conflict(outcome)
        return False

    async def pull(self, name: DirectorySet) -> int | Conflict | Refused | Unavailable:
        """Bring one set to the cloud's version, and return that version."""
        needs_snapshot = False
        for _ in range(ROUNDS):
            held, (incarnation, epoch), intact = await self._readers.run(lambda connection: _state(connection, name))
            if incarnation is None:
                return Unavailable("No cloud was greeted yet.", lost=False)
            asked = question(name, held, incarnation, epoch, intact=intact and not needs_snapshot)
            if not intact:
                _log.error("directory_damaged", set=name.value)
            outcome = await self._ask(asked, incarnation, None if asked.since is None else held)
            if isinstance(outcome, Unavailable) and outcome.gone and not needs_snapshot:
                needs_snapshot = True
                continue
            if not isinstance(outcome, _Round):
                return outcome
            verdict = judge(outcome.first_version, outcome.last.version, outcome.last.hash, outcome.held_hash)
            if verdict is Verdict.DONE:
                return outcome.first_version
            needs_snapshot = verdict is Verdict.SNAPSHOT
            if needs_snapshot:
                _log.warning("directory_drifted", set=name.value, version=outcome.first_version)
        return Unavailable(f"The set {name} does not come to rest.", lost=False)

    async def _ask(
        self, asked: DirectoryRequest, incarnation: UUID, held: Held | None
    ) -> _Round | Conflict | Refused | Unavailable:
        """Ask for all slices, and apply each as it comes (a delta) or all at once (a snapshot)."""
        first: DirectoryAnswer | None = None
        for _ in range(MOST_SLICES):
            answer = await self._carrier.pull_directory(asked)
            if not isinstance(answer, DirectoryAnswer):
                return answer
            if answer.incarnation != incarnation or answer.set is not asked.set:
                return _OTHER_CLOUD
            is_first, first = first is None, first or answer
            if held is None:
                done = await self._writer.run(_Snapshot(first, answer, is_first, self._clock.now()))
            else:
                done = await self._writer.run(_Delta(first, answer, held, self._clock.now()))
            if done is not None:
                return _Round(first.version, answer, done)
            asked = asked.model_copy(update={"after": answer.next})
        return Unavailable(f"The set {asked.set} has no end.", lost=False)


@dataclass(frozen=True, slots=True)
class _Delta:
    """Applies a slice of a delta. The version moves with the last one; blocked id tags count with the first."""

    first: DirectoryAnswer
    answer: DirectoryAnswer
    before: Held
    now: datetime

    def __call__(self, tx: WriteTx) -> str | None:
        """Return the content hash after the last slice; `None` before it."""
        is_last = self.answer.next is None
        changed = bool(self.answer.changed or self.answer.removed)
        version = self.first.version if is_last else self.before.version
        refused = directory.apply_delta(tx.connection, self.answer, version, self.now)
        if changed and self.answer.set is DirectorySet.ID_TAGS:
            upkeep_tasks.ring_directory(tx.connection, self.now, refused=refused)
        if not is_last:
            return None
        if version != self.before.version:
            _tell(tx, self.answer.set, "delta", self.now)
        return _held_hash(tx, self.answer.set)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Stages a slice of a snapshot; the last one switches."""

    first: DirectoryAnswer
    answer: DirectoryAnswer
    is_first: bool
    now: datetime

    def __call__(self, tx: WriteTx) -> str | None:
        """Return the content hash after the last slice; `None` before it."""
        name = self.answer.set
        if self.is_first:
            directory.begin_snapshot(tx.connection, name)
        directory.stage(tx.connection, self.answer)
        if self.answer.next is not None:
            return None
        is_news = self.first.version > 0 or directory.held(tx.connection, name) is not None
        content_hash, refused = directory.switch(
            tx.connection, name, self.first.incarnation, self.first.version, self.now
        )
        if is_news and name is DirectorySet.ID_TAGS:
            upkeep_tasks.ring_directory(tx.connection, self.now, refused=refused)
        if is_news:  # that a cloud has nothing for this site is no news to it
            _tell(tx, name, "snapshot", self.now)
        return content_hash


def _tell(tx: WriteTx, name: DirectorySet, how: str, now: datetime) -> None:
    """Let the cloud know what is held from now on."""
    held = directory.held(tx.connection, name)
    if held is not None:
        event = DirectoryApplied(
            set=name,
            incarnation=held.incarnation,
            version=held.version,
            hash=held.hash,
            entries=held.entries,
            how=how,
        )
        tx.emit(event, subject="edge", occurred_at=now)


def _held_hash(tx: WriteTx, name: DirectorySet) -> str:
    held = directory.held(tx.connection, name)
    return "" if held is None else held.hash


def _state(connection: sqlite3.Connection, name: DirectorySet) -> tuple[Held | None, tuple[UUID | None, int], bool]:
    """What is held, the cloud that was greeted and our epoch, and whether what lies on the disk is what was applied."""
    held = directory.held(connection, name)
    intact = held is None or directory.counted_hash(connection, name) == held.hash
    own = identity.read(connection)
    return held, (own.incarnation, own.epoch), intact
