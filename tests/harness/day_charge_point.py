"""A charge point of a simulated day: lives by a clock that the test moves, over a real WebSocket to a real edge."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson

from tests.harness.day_plan import Act, Chatter, Window
from tests.harness.line import CALL_RESULT_START, Line
from tests.harness.queue_player import ANSWER_WITHIN_S, BOOT, QueueBook, Record, Rules

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class Mishaps:
    """What went wrong on purpose."""

    lost_on_the_way: int = 0
    """Messages that never reached the edge."""
    lost_answers: int = 0
    """Messages that the edge answered, whose answer was not read."""
    born_offline: int = 0
    """Starts that happened without a line."""
    longest_delay: timedelta = timedelta()
    """From a record's instant to its acknowledgement."""


@dataclass
class DayChargePoint:
    """Follows its acts, keeps its records while there is no line, and counts its attempts (OCPP 1.6 ed. 2 §3.7)."""

    identity: str
    password: str
    acts: Iterator[Act]
    absent: list[Window]
    """When it has no network."""
    book: QueueBook
    mishaps: Mishaps
    rules: Rules
    loss: float
    """The chance that a message is lost on its way, and the same again that its answer is."""
    _next: Act | None = None
    _queue: deque[tuple[datetime, Record]] = field(default_factory=deque)
    _retry_at: datetime | None = None
    _line: Line | None = None
    _booted: bool = False
    _numbers: dict[str, int] = field(default_factory=dict)
    _message: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.identity)
        self._next = next(self.acts, None)

    @property
    def done(self) -> bool:
        """Whether the day is over and everything is delivered."""
        return self._next is None and not self._queue

    async def live(self, port: int, now: datetime) -> datetime:
        """Do what is due; returns when something is due again."""
        online = not any(now in window for window in self.absent)
        chatter = self._happen(now, online=online)
        if not online:
            self.hang_up()
        elif self._queue or chatter:
            await self._talk(port, now, chatter)
        return self._due(now)

    def hang_up(self) -> None:
        """Lose the line without a word."""
        if self._line is not None:
            self._line.cut()
            self._line = None

    def lose_power(self) -> None:
        """Lose the line, and boot when it is back."""
        self.hang_up()
        self._booted = False

    def _happen(self, now: datetime, *, online: bool) -> list[Chatter]:
        chatter = []
        while self._next is not None and self._next[0] <= now:
            at, _, message = self._next
            if isinstance(message, Chatter):
                chatter.append(message)
            else:
                self.mishaps.born_offline += message.action == "StartTransaction" and not online
                self._queue.append((at, message))
            self._next = next(self.acts, None)
        return chatter

    def _due(self, now: datetime) -> datetime:
        queued = (self._retry_at or now) if self._queue else None
        times = [at for at in (queued, self._next and self._next[0]) if at is not None]
        return min(times, default=NEVER)

    async def _talk(self, port: int, now: datetime, chatter: list[Chatter]) -> None:
        if self._line is None:
            self._line = await Line.open(port, self.identity, self.password, ANSWER_WITHIN_S)
            self.book.connections += 1
        if not self._booted:
            await self._ask("BootNotification", BOOT)
            self._booted = True
        for message in chatter:
            await self._ask(message.action, orjson.dumps(message.payload))
        while self._queue and (self._retry_at is None or self._retry_at <= now):
            if not await self._deliver(*self._queue[0], now):
                return
            self._queue.popleft()

    async def _deliver(self, at: datetime, record: Record, now: datetime) -> bool:
        """Send a record once; returns whether it is done with."""
        record.attempts += 1
        self.book.transmissions += 1
        if record.action != "StartTransaction":
            record.payload["transactionId"] = self._numbers[record.within]
        fate = self._chance.random()
        if fate < self.loss:
            self.mishaps.lost_on_the_way += 1
            return self._fail(record, now)
        answer = await self._ask(record.action, orjson.dumps(record.payload))
        if fate < 2 * self.loss:
            self.mishaps.lost_answers += 1
            return self._fail(record, now)
        if record.action == "StartTransaction":
            self._numbers[record.within] = orjson.loads(answer)[2]["transactionId"]
        self.book.acknowledge(self.identity, record, self._numbers[record.within])
        self.mishaps.longest_delay = max(self.mishaps.longest_delay, now - at)
        self._retry_at = None
        return True

    def _fail(self, record: Record, now: datetime) -> bool:
        """The connection broke before an answer: wait as many intervals as there were attempts, unless none is left."""
        self.hang_up()
        if record.attempts == self.rules.attempts:
            self.book.exhausted.append(record)
            self._retry_at = None
            return True
        self._retry_at = now + timedelta(seconds=record.attempts * self.rules.interval_s)
        return False

    async def _ask(self, action: str, payload: bytes) -> bytes:
        assert self._line is not None
        self._message += 1
        answer = await self._line.call(f"d{self._message}", action, payload)
        if not answer.startswith(CALL_RESULT_START):
            self.book.refused.append(orjson.loads(answer))
        return answer
