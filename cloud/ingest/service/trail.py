"""What is remembered of a batch's hashes, so that a fork can be found to the very event. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloud.ingest.schemas import Line, Position
from contract.batch import CHECKPOINT_EVERY

MARK_BYTES = 8
"""Of a hash: enough to tell two pasts apart, and little beside the event itself."""

NO_MARK = bytes(MARK_BYTES)


@dataclass(frozen=True, slots=True)
class Trail:
    """A run of numbers with the beginnings of their hashes."""

    first: int
    marks: bytes

    @property
    def last(self) -> int:
        """The last number of the run."""
        return self.first + len(self.marks) // MARK_BYTES - 1

    def mark(self, seq: int) -> bytes | None:
        """The mark of one number; `None`: it is outside. So it is in older rows where a `Skipped` stood for it."""
        at = (seq - self.first) * MARK_BYTES
        mark = self.marks[at : at + MARK_BYTES] if at >= 0 else b""
        return None if mark in {b"", NO_MARK} else mark

    def marked_between(self, after: int, before: int) -> bool:
        """Whether it has any mark of a number above `after` and below `before`."""
        low, high = max(after + 1, self.first), min(before - 1, self.last)
        return high >= low and any(self.marks[(low - self.first) * MARK_BYTES : (high + 1 - self.first) * MARK_BYTES])


def trails_of(fresh: Sequence[Line], hashes: Sequence[bytes]) -> list[Trail]:
    """Remember a batch's new events: runs without a hole.

    A `Skipped` may stand for any count of numbers, so they cost nothing: the next run begins at its last one.

    Args:
        fresh: the new events.
        hashes: the rolling hash behind each.
    """
    numbers, marks = [line.last for line in fresh], [chained[:MARK_BYTES] for chained in hashes]
    begins = [at for at, number in enumerate(numbers) if at == 0 or number != numbers[at - 1] + 1]
    return [
        Trail(numbers[begin], b"".join(marks[begin:end]))
        for begin, end in zip(begins, [*begins[1:], len(numbers)], strict=True)
    ]


def checkpoints_of(fresh: Sequence[Line], hashes: Sequence[bytes]) -> list[Position]:
    """Choose the places of a batch that are kept for ever."""
    return [
        Position(line.last, chained)
        for line, chained in zip(fresh, hashes, strict=True)
        if line.last % CHECKPOINT_EVERY == 0
    ]
