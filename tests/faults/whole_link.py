"""Both ends of the link in one thread, with real stores and real decisions, and a network that a test drives by hand.

The edge's `Pusher` runs unchanged; where it awaits the network it stands still, and its request lies here until
somebody decides what becomes of it: served, served twice, served late, answered, or lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import coroutine
from typing import Any, TypeVar
from uuid import UUID

from cloud.app import APPLIERS, REIMAGED
from cloud.commands.service import handing_out
from cloud.db.database import Database
from cloud.errors import BatchTooLargeError, ChainError, EpochError, GarduCloudError, UnreadableBatchError
from cloud.ingest.service.body import decompress, read_batch
from cloud.ingest.service.greeting import greet
from cloud.ingest.service.pushing import push
from contract.link import Greeting
from edge.clock import Clock
from edge.store import identity, outbox
from edge.store.database import connect
from edge.store.outbox import Numbering
from edge.store.writer import WriteTx
from edge.sync.carrier import Conflict, EventRefused, Refused, TooLarge, Unavailable
from edge.sync.delivery import Delivery
from edge.sync.link import LinkState, Wait
from edge.sync.packing import Packed
from edge.sync.pulling import Pulled, Puller
from edge.sync.pushing import Edge, Pusher, Turns

SITE = "north"
BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
FIRST_BATCH_EVENTS = 2
"""So few, that small outboxes take many batches, the next ones prepared meanwhile."""
LOST = Unavailable("silence", heavy=True)

Result = TypeVar("Result")
Working = Coroutine[Any, Any, bool]


class Hands(Clock):
    """Time is moved by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def machine(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def boottime(self) -> float:
        return self.seconds


@dataclass(frozen=True)
class Poll:
    """A question for commands."""

    after: int
    epoch: int | None
    last: UUID | None


Body = Greeting | Poll | bytes


@dataclass
class Asked:
    """A request on its way, and the exchange that waits for its answer."""

    body: Body
    working: Working
    answer: Any = None
    """What the cloud said; `None`: it has not got it yet."""


class Store:
    """Stands for writer and readers at once: one connection, each operation one database transaction."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def commit(self, operation: Callable[[WriteTx], Result]) -> Result:
        tx = WriteTx(self._connection)
        self._connection.execute("BEGIN IMMEDIATE")
        result = operation(tx)
        Numbering(self._clock, tx.take_drafts()).write(self._connection)
        self._connection.execute("COMMIT")
        return result

    async def run(self, operation: Callable[[WriteTx], Result]) -> Result:
        return self.commit(operation)


class Reading:
    """As `edge.store.readers.Readers`, on the calling thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def run(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        return query(self._connection)

    def run_now(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        return query(self._connection)


class Standstill:
    """A carrier whose exchanges stand still until they are given an answer."""

    async def greet(self, greeting: Greeting) -> Any:
        return await _ask(greeting)

    async def push(self, batch: Packed) -> Any:
        return await _ask(decompress(batch.content, batch.encoding))

    async def pull_commands(self, after: int, *, epoch: int | None = None, last: UUID | None = None, **_: Any) -> Any:
        return await _ask(Poll(after, epoch, last))


@coroutine
def _ask(body: Body) -> Generator[Body, Any, Any]:
    return (yield body)


@dataclass
class EdgeSide:
    """The disk of an edge and its process; a new process knows what is on the disk."""

    path: Path
    clock: Hands = field(default_factory=Hands)

    def start(self) -> None:
        self.connection = connect(self.path, synchronous="OFF")
        self.store, self.reading = Store(self.connection, self.clock), Reading(self.connection)
        who = identity.read(self.connection)
        self.delivery = Delivery(epoch=who.epoch, heads=outbox.heads(self.connection), chance=lambda: 0.5)
        for flow in self.delivery.flows.values():
            flow.limit = FIRST_BATCH_EVENTS
        self.pusher = Pusher(
            edge=Edge(SITE, "0.1.0"),
            writer=self.store,  # type: ignore[arg-type]
            readers=self.reading,  # type: ignore[arg-type]
            clock=self.clock,
            carrier=Standstill(),  # type: ignore[arg-type]
            delivery=self.delivery,
            who=who,
            turns=Turns(),
        )
        self.puller = Puller(
            writer=self.store,  # type: ignore[arg-type]
            readers=self.reading,  # type: ignore[arg-type]
            clock=self.clock,
            carrier=Standstill(),  # type: ignore[arg-type]
        )
        self.asked: list[Asked] = []

    def crash(self) -> None:
        """End without a word; what is under way is forgotten."""
        for one in self.asked:
            one.working.close()
        self.asked = []
        self.connection.close()

    def act(self) -> Wait | None:
        """Do the next thing that the link decides; `Wait`: there is none now."""
        heads = {stream: head.head for stream, head in outbox.heads(self.connection).items()}
        self.delivery.heads_changed(heads, self.clock.seconds)
        action = self.delivery.next(self.clock.seconds)
        if isinstance(action, Wait):
            return action
        self._go_on(self.pusher.carry_out(action), None)
        return None

    def poll(self) -> None:
        """Ask for commands, as the syncer does for as long as the link is up; one question at a time."""
        if self.delivery.state is LinkState.READY and not any(isinstance(one.body, Poll) for one in self.asked):
            self._go_on(self._pull(), None)

    async def _pull(self) -> bool:
        outcome = await self.puller.pull()
        if not isinstance(outcome, Pulled):
            self.delivery.reported(outcome, self.clock.seconds)
        return isinstance(outcome, Pulled)

    def hear(self, asked: Asked, answer: Any) -> None:
        """Let the exchange go on with an answer, or with its loss."""
        self.asked.remove(asked)
        self._go_on(asked.working, answer)

    def _go_on(self, working: Working, answer: Any) -> None:
        with suppress(StopIteration):
            self.asked.append(Asked(working.send(answer), working))


@dataclass
class CloudSide:
    """The cloud's database, and what it was seen to commit."""

    path: Path
    numbers: dict[tuple[int, int, str, int], bytes] = field(default_factory=dict)
    """(incarnation, epoch, stream, number) → the event that was committed under it, ever."""
    incarnations: int = 0
    """How often the database was restored."""

    def start(self) -> None:
        self.database = Database(f"sqlite:///{self.path}")

    def stop(self) -> None:
        self.database.close()

    def serve(self, body: Body, now: datetime) -> Any:
        """Answer as the endpoints do."""
        try:
            return self._answer(body, now)
        except UnreadableBatchError as error:
            seq = error.extensions.get("seq")
            return EventRefused(seq, str(error)) if isinstance(seq, int) else LOST
        except BatchTooLargeError as error:
            return TooLarge(str(error))
        except (ChainError, EpochError) as error:
            return Conflict(str(error))
        except GarduCloudError as error:
            return Refused(str(error))

    def _answer(self, body: Body, now: datetime) -> Any:
        match body:
            case Greeting():
                return greet(self.database, SITE, body, REIMAGED, now)
            case Poll(after, epoch, last):
                return handing_out.pull(self.database, handing_out.Asked(SITE, after, epoch, last), now)
            case _:
                return self._take(body, now)

    def _take(self, body: bytes, now: datetime) -> Any:
        batch = read_batch(body)
        answer = push(self.database, SITE, batch, APPLIERS, now)
        for line in batch.lines:
            if line.skipped is None:
                key = (self.incarnations, batch.header.epoch, batch.header.stream.value, line.last)
                assert self.numbers.setdefault(key, line.raw) == line.raw, f"a number was reused: {key}"
        return answer
