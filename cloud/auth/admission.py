"""How many requests of edges are at work at once, who waits for a moment, and who is asked to come later. No I/O.

A process that takes in everything at once answers everything late. So few requests are at work, the next ones wait for
a fraction of a second, in the order of their urgency, and the rest is told when to come again: the later, the more were
told so before. An edge loses nothing by that; it keeps what the cloud has not committed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum

MOST_WAITING = 64
LONGEST_RETRY_AFTER_S = 60
REQUESTS_OF_A_GREETING = 2
"""Places in the row of those who come later. Some ten requests follow a greeting; but to be sent away twice costs
little, and a door that nobody stands at is time lost."""

_FIRST_GUESS_S = 0.01
_MEMORY = 0.1
"""The weight of the newest request in the mean."""


class Urgency(IntEnum):
    """Who goes first. Each edge's own order is the same."""

    BEGUN = 0
    """It was at work before, and waited for its sender: never sent away."""
    LEDGER = 1
    GREETING = 2
    COMMANDS = 3
    DIRECTORY = 4
    STATE = 5
    METER = 6
    LIVE = 7

    @property
    def is_bulk(self) -> bool:
        """Whether it may not take the last places."""
        return self >= Urgency.DIRECTORY


@dataclass(frozen=True, slots=True)
class Enter:
    """Go to work."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Wait until `left` names the ticket; not longer than the patience, unless it had begun."""

    ticket: int
    instead_of: int | None = None
    """A ticket that lost its place to this one: it comes later."""


@dataclass(frozen=True, slots=True)
class Later:
    """Come again."""

    retry_after_s: int


@dataclass(slots=True)
class Admission:
    """The places at work, and the queue for them.

    Args:
        most_at_work: requests at once. A quarter of them is never taken by what can wait (meter values, directory).
        patience_s: how long a request may wait for its turn.
    """

    most_at_work: int
    patience_s: float
    at_work: int = 0
    bulk_at_work: int = 0
    _waiting: dict[int, Urgency] = field(default_factory=dict)
    """By ticket, in the order of arrival."""
    _tickets: int = 0
    _every_s: float = _FIRST_GUESS_S
    """From the end of one request to the end of the next while all places are taken."""
    _booked_until: float = 0.0
    """When those who were told to come later will all have had their turn."""

    def arrive(self, urgency: Urgency, now: float) -> Enter | Queue | Later:
        """Decide about a request.

        Args:
            urgency: its.
            now: seconds of a clock that does not go back.
        """
        if self._is_free(urgency):
            self._take(urgency)
            return Enter()
        if urgency is Urgency.BEGUN or len(self._waiting) < MOST_WAITING:
            return Queue(self._queue(urgency))
        last = max(reversed(self._waiting), key=lambda ticket: self._waiting[ticket])
        if self._waiting[last] <= urgency:
            return self.later(urgency, now)
        del self._waiting[last]
        return Queue(self._queue(urgency), instead_of=last)

    def forget(self, ticket: int) -> None:
        """Whoever waited has hung up, lost patience, or lost its place."""
        self._waiting.pop(ticket, None)

    def later(self, urgency: Urgency, now: float) -> Later:
        """Give a request that is sent away its time: behind all that were sent away before."""
        requests = REQUESTS_OF_A_GREETING if urgency is Urgency.GREETING else 1
        self._booked_until = max(self._booked_until, now) + requests * self._every_s
        return Later(min(max(1, math.ceil(self._booked_until - now)), LONGEST_RETRY_AFTER_S))

    def left(self, urgency: Urgency, took_s: float | None) -> list[int]:
        """A request is done, or waits for its sender.

        Args:
            urgency: its own, or `BEGUN` where it came back with that.
            took_s: how long it was at work; `None`: that tells nothing.

        Returns:
            The tickets that go to work now.
        """
        if took_s is not None:
            self._every_s += _MEMORY * (took_s / max(1, self.at_work) - self._every_s)
        self.at_work -= 1
        self.bulk_at_work -= urgency.is_bulk
        called = []
        for ticket, other in sorted(self._waiting.items(), key=lambda one: (one[1], one[0])):
            if self.at_work >= self.most_at_work:
                break
            if self._is_free(other):
                del self._waiting[ticket]
                self._take(other)
                called.append(ticket)
        return called

    def _is_free(self, urgency: Urgency) -> bool:
        if urgency.is_bulk and self.bulk_at_work >= self.most_at_work - self.most_at_work // 4:
            return False
        return self.at_work < self.most_at_work

    def _take(self, urgency: Urgency) -> None:
        self.at_work += 1
        self.bulk_at_work += urgency.is_bulk

    def _queue(self, urgency: Urgency) -> int:
        self._tickets += 1
        self._waiting[self._tickets] = urgency
        return self._tickets
