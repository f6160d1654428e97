"""What a batch is once it has been read, before anything of it is stored; and what could not be applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from pydantic import TypeAdapter

from cloud.models.plain_samples import MeterEvent
from contract.batch import GENESIS, BatchHeader, Envelope, next_hash
from contract.events import MeterValuesSampled, Skipped
from contract.model import Record, UtcDatetime
from contract.streams import Stream

DeadLetterKey = tuple[str, int, str, int]
"""Site, epoch, stream and number."""

DEAD_LETTER_KEY = TypeAdapter[DeadLetterKey](DeadLetterKey)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a stream: the number of the last event, and the rolling hash there."""

    cursor: int = 0
    hash: bytes = GENESIS


class Line(NamedTuple):
    """One event of a batch: its bytes, and what they say."""

    raw: bytes
    type: str
    """With its version."""
    first: int
    """The first number that this line accounts for."""
    last: int
    """The last one."""
    read: Envelope | MeterEvent
    """The bulk of all events is read in one go with its data; `envelope` is the same for all."""
    skipped: Skipped | None = None
    """Present when the event stands for a range of numbers that will never arrive."""
    spoiled: ValueError | None = None
    """Why some of the thinned values in `skipped` could not be read; those are not among them."""

    @classmethod
    def of(
        cls, raw: bytes, envelope: Envelope, skipped: Skipped | None = None, spoiled: ValueError | None = None
    ) -> Self:
        """The line of an event of any type."""
        first = envelope.seq if skipped is None else skipped.first
        return cls(raw, envelope.type, first, envelope.seq, envelope, skipped, spoiled)

    @classmethod
    def of_samples(cls, raw: bytes, event: MeterEvent) -> Self:
        """The line of meter values that were read with their data."""
        return cls(raw, MeterValuesSampled.TYPE, event.seq, event.seq, event)

    @property
    def sampled(self) -> MeterEvent | None:
        """The event, if it was read with its data already."""
        return None if isinstance(self.read, Envelope) else self.read

    @property
    def envelope(self) -> Envelope:
        """What all events have."""
        return self.read if isinstance(self.read, Envelope) else Envelope.model_validate_json(self.raw)

    def hash_after(self, before: bytes) -> bytes:
        """The rolling hash behind this line."""
        return bytes.fromhex(self.skipped.hash_after) if self.skipped else next_hash(before, self.raw)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that can be read; whether it continues the chain is another question."""

    header: BatchHeader
    before: Position
    """The place that its first event claims to follow."""
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Of dead letters. All conditions hold together; `None`: any."""

    site: str | None = None
    stream: Stream | None = None
    type: str | None = None


class DeadLetter(Record):
    """An event that could not be applied. It blocks nobody, and waits for `redrive`."""

    site: str
    epoch: int
    stream: Stream
    seq: int
    type: str
    reason: str
    """Why it could not be applied when that was last tried."""
    received_at: UtcDatetime
    """When it came for the first time."""
    event: dict[str, Any]
    """The event as its edge wrote it, without secrets."""


class Redrive(Record):
    """What came of applying dead letters again."""

    applied: int
    refused: int
    """These stay dead letters, with their newest reason."""
    left: int
    """Behind those of this request, not tried yet: ask again with `next_cursor`."""
    next_cursor: str | None = None
    """Where the next request goes on, so that those refused hold up no others; `None`: nothing is left."""
