"""One stream on its way up: where its cursor is, whether a batch is under way, how large the next may be."""

from __future__ import annotations

from dataclasses import dataclass

from contract.batch import MAX_BATCH_BYTES, MAX_BATCH_EVENTS
from contract.streams import Stream
from edge.sync.backoff import Backoff

FIRST_BATCH_EVENTS = 500
LEAST_BATCH_BYTES = 1024


@dataclass(slots=True)
class Flow:
    """The state of one stream. `next` batches follow `cursor`; at most one is under way.

    Args:
        stream: which one.
        linger_s: how long a first event may wait for company; 0: not at all.
        backoff: of this stream alone; one that the cloud chokes on does not hold up the others.
    """

    stream: Stream
    linger_s: float
    backoff: Backoff
    cursor: int = 0
    """The cloud's committed cursor, as far as it was told and agreed with."""
    head: int = 0
    """The newest event in the outbox."""
    limit: int = FIRST_BATCH_EVENTS
    """Events in the next batch, at most."""
    max_bytes: int = MAX_BATCH_BYTES
    """Bytes of the next batch, at most."""
    ticket: int | None = None
    """Of the batch under way; `None`: none is."""
    _last: int | None = None
    """Of the batch under way; `None`: it is not known (yet), or what follows it was thought of already."""
    _due: float | None = None
    _was_halved: bool = False
    """Something on the way is known to take less than the cloud offers."""
    _most_events: int = MAX_BATCH_EVENTS
    _most_bytes: int = MAX_BATCH_BYTES

    def grew(self, head: int, now: float) -> None:
        """Learn the outbox's newest number."""
        if head > self.head:
            self.head = head
            self._due = now + self.linger_s if self._due is None else self._due

    def ready_at(self) -> float | None:
        """When the next batch may leave; `None`: nothing waits, or one is under way."""
        if self.ticket is not None or self.head <= self.cursor:
            return None
        is_full = self.head - self.cursor >= self.limit
        due = 0.0 if is_full or self._due is None else self._due
        return max(due, self.backoff.until)

    def sent(self, ticket: int) -> None:
        """A batch left."""
        self.ticket = ticket
        self._last = None
        self._due = None

    def holds(self, last: int) -> None:
        """The batch under way was put together: it ends with `last`."""
        self._last = last

    def follows(self) -> tuple[int, int, int] | None:
        """What the next batch will be if the one under way is taken; `None`: too little waits, or it was told before.

        Returns:
            The event that it follows, its events and its bytes, at most. As `advance` and `ready_at` will have them.
        """
        if self.ticket is None or self._last is None:
            return None
        after, (limit, max_bytes) = self._last, self._grown()
        if self.head - after < limit:  # more may join it until it leaves
            return None
        self._last = None
        return after, limit, max_bytes

    def settled(self, now: float) -> None:
        """The batch under way came to an end, good or bad. What is left over has waited already."""
        self.ticket = self._last = None
        self._due = now if self.head > self.cursor else None

    def is_draining(self) -> bool:
        """Whether a batch is under way and will not be the last one: streams of lower rank wait."""
        return self.ticket is not None and self.head - self.cursor > self.limit

    def resume(self, cursor: int, *, most_events: int, most_bytes: int, now: float) -> None:
        """Go on after the cursor that a greeting told, below or above the one we knew."""
        self.cursor = cursor
        self._most_events = min(most_events, MAX_BATCH_EVENTS)
        self._most_bytes = min(most_bytes, MAX_BATCH_BYTES)
        self.limit = min(self.limit, self._most_events)
        self.max_bytes = min(self.max_bytes, self._most_bytes)
        self._due = now if self.head > cursor else None

    def advance(self, cursor: int) -> None:
        """The cloud committed up to `cursor`."""
        self.cursor = cursor
        self.backoff.succeeded()
        if self.head > cursor:  # the batch was bounded by its size, so a larger one is worth a try
            self.limit, self.max_bytes = self._grown()

    def halve(self) -> bool:
        """Send less at a time; tells whether that was possible."""
        self._was_halved = True
        if self.limit == 1:
            return False
        self.limit = max(1, min(self.limit, self.head - self.cursor) // 2)
        self.max_bytes = max(LEAST_BATCH_BYTES, self.max_bytes // 2)
        return True

    def _grown(self) -> tuple[int, int]:
        """Twice as many, so that a round trip is spread over many events soon; carefully once it was too much."""
        larger = self.limit + max(1, self.limit // 4) if self._was_halved else 2 * self.limit
        return min(larger, self._most_events), min(self.max_bytes + self.max_bytes // 4, self._most_bytes)
