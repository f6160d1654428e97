"""Charge points that deliver a queue of transaction-related messages and count their attempts (OCPP 1.6 ed. 2 §3.7).

They follow `TransactionMessageAttempts` and `TransactionMessageRetryInterval` in their harshest reading: every
transmission counts as an attempt, also one whose connection broke before the answer; the wait after the n-th
transmission is n intervals; a message whose attempts are used up is dropped, and written down as dropped.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from tests.faults.judge import Book
from tests.harness.line import CALL_RESULT_START, Line

ANSWER_WITHIN_S = 30.0
"""A charge point's usual message time-out. It is not scaled: the machine that answers is not faster than real."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0
BOOT = orjson.dumps({"chargePointVendor": "Judge", "chargePointModel": "Q1"})


@dataclass(frozen=True)
class Rules:
    """The two configuration keys of §9.1."""

    attempts: int = 3
    interval_s: float = 1.0
    """60 s, scaled by 60."""


@dataclass
class Record:
    """One queued message; a transaction's number is filled in when it is known."""

    action: str
    payload: dict[str, Any]
    within: str
    """Its transaction, named by the timestamp of the start."""
    attempts: int = 0


@dataclass
class QueueBook(Book):
    """The judge's book, with what became of the attempts."""

    samples_of: dict[tuple[str, str], int] = field(default_factory=dict)
    """(charge point, timestamp) → transactionId."""
    given: dict[int, tuple[str, str]] = field(default_factory=dict)
    """transactionId → the start that it was given to, over all charge points."""
    exhausted: list[Record] = field(default_factory=list)
    """Dropped with all attempts used: there must be none."""
    cut_starts: int = 0
    """StartTransactions that were sent and whose connection broke before their answer was read."""
    transmissions: int = 0
    most_attempts: int = 0

    def acknowledge(self, charge_point: str, record: Record, number: int) -> None:
        """Write down that a record was answered with a result."""
        self.most_attempts = max(self.most_attempts, record.attempts)
        key = (charge_point, number)
        match record.action:
            case "StartTransaction":
                if self.given.setdefault(number, (charge_point, record.within)) != (charge_point, record.within):
                    self.reused.append(key)
                self.starts[key] = record.payload
            case "StopTransaction":
                self.stops[key] = record.payload
            case _:
                value = record.payload["meterValue"][0]
                place = (charge_point, value["timestamp"])
                self.samples[place] = value["sampledValue"][0]["value"]
                self.samples_of[place] = number


class QueuePlayer:
    """One charge point: connects, boots once, and delivers its records in order, one in flight."""

    def __init__(self, port: int, identity: str, password: str, book: QueueBook, rules: Rules) -> None:
        self._port = port
        self._identity = identity
        self._password = password
        self._book = book
        self._rules = rules
        self._random = random.Random(identity)
        self._line: Line | None = None
        self._booted = False
        self._message_ids = itertools.count(1)
        self._numbers: dict[str, int] = {}

    async def deliver(self, records: Iterable[Record]) -> None:
        """Deliver all records and hang up."""
        for record in records:
            await self._deliver(record)
        if self._line is not None:
            self._line.cut()

    async def _deliver(self, record: Record) -> None:
        while record.attempts < self._rules.attempts:
            line = await self._online()
            record.attempts += 1
            self._book.transmissions += 1
            try:
                answer = await self._send(line, record)
            except (OSError, TimeoutError):
                self._book.cut_starts += record.action == "StartTransaction"
                line.cut()
                self._line = None
            else:
                if answer.startswith(CALL_RESULT_START):
                    self._acknowledge(record, orjson.loads(answer)[2])
                    return
                self._book.refused.append(orjson.loads(answer))
            await asyncio.sleep(record.attempts * self._rules.interval_s)
        self._book.exhausted.append(record)

    def _acknowledge(self, record: Record, answer: dict[str, Any]) -> None:
        if record.action == "StartTransaction":
            self._numbers[record.within] = answer["transactionId"]
        self._book.acknowledge(self._identity, record, self._numbers[record.within])

    async def _send(self, line: Line, record: Record) -> bytes:
        if record.action != "StartTransaction":
            record.payload["transactionId"] = self._numbers[record.within]
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await line.call(self._message_id(), record.action, orjson.dumps(record.payload))

    async def _online(self) -> Line:
        """Connect where there is no connection, however often it takes: offline costs no attempt."""
        pause_s = SHORTEST_PAUSE_S
        while self._line is None:
            try:
                line = await Line.open(self._port, self._identity, self._password, ANSWER_WITHIN_S)
                self._book.connections += 1
                if not self._booted:
                    await asyncio.wait_for(line.call(self._message_id(), "BootNotification", BOOT), ANSWER_WITHIN_S)
                    self._booted = True
            except (OSError, TimeoutError):
                await asyncio.sleep(pause_s * self._random.uniform(0.5, 1.0))
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                self._line = line
        return self._line

    def _message_id(self) -> str:
        return f"q{next(self._message_ids)}"


def charged_offline(id_tag: str, seed: int, transactions: Iterable[int], samples: int) -> Iterator[Record]:
    """What a charge point has queued: one transaction after the other, each a start, samples and a stop.

    Args:
        id_tag: who charged.
        seed: of the energies.
        transactions: one is made for each; the caller may end an endless one.
        samples: MeterValues in each.
    """
    chance = random.Random(seed)
    clock = datetime.now(UTC) - timedelta(hours=20)
    register_wh = chance.randrange(1_000_000)
    for _ in transactions:
        began = _time(clock)
        start = {"connectorId": 1, "idTag": id_tag, "meterStart": register_wh, "timestamp": began}
        yield Record("StartTransaction", start, began)
        for _ in range(samples):
            clock += timedelta(seconds=60)
            register_wh += chance.randrange(1, 500)
            value = {"timestamp": _time(clock), "sampledValue": [{"value": str(register_wh)}]}
            yield Record("MeterValues", {"connectorId": 1, "meterValue": [value]}, began)
        clock += timedelta(seconds=10)
        stop = {"meterStop": register_wh, "timestamp": _time(clock), "idTag": id_tag, "reason": "Local"}
        yield Record("StopTransaction", stop, began)
        clock += timedelta(seconds=10)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
