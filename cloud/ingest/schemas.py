"""What a batch is once it has been read, before anything of it is stored; and what could not be applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from cloud.models.sampled import MeterEventDict
from contract.batch import GENESIS, BatchHeader, Envelope, next_hash
from contract.events import Skipped
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


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a batch: its bytes, and what they say."""

    raw: bytes
    read: Envelope | MeterEventDict
    """The bulk of all events is read into dicts, in one go with its data; `envelope` is the same for all."""
    skipped: Skipped | None = None
    """Present when the event stands for a range of numbers that will never arrive."""
    spoiled: ValueError | None = None
    """Why some of the thinned values in `skipped` could not be read; those are not among them."""

    @property
    def sampled(self) -> MeterEventDict | None:
        """The event, if it was read with its data already."""
        return None if isinstance(self.read, Envelope) else self.read

    @property
    def envelope(self) -> Envelope:
        """What all events have."""
        return self.read if isinstance(self.read, Envelope) else Envelope.model_validate_json(self.raw)

    @property
    def type(self) -> str:
        """The event's type, with its version."""
        return self.read.type if isinstance(self.read, Envelope) else self.read["type"]

    @property
    def first(self) -> int:
        """The first number that this line accounts for."""
        return self.skipped.first if self.skipped else self.last

    @property
    def last(self) -> int:
        """The last number that this line accounts for."""
        return self.read.seq if isinstance(self.read, Envelope) else self.read["seq"]

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
    """Not tried yet: ask again."""
