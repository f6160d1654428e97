"""What is remembered of a batch's hashes, so that a fork can be found to the very event. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
    checkpoints: list[Position] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The last number of the run."""
        return self.first + len(self.marks) // MARK_BYTES - 1

    def mark(self, seq: int) -> bytes | None:
        """The mark of one number; `None`: it is outside, or a `Skipped` stood for it."""
        at = (seq - self.first) * MARK_BYTES
        mark = self.marks[at : at + MARK_BYTES] if at >= 0 else b""
        return None if mark in {b"", NO_MARK} else mark

    def marked_between(self, after: int, before: int) -> bool:
        """Whether it has any mark of a number above `after` and below `before`."""
        low, high = max(after + 1, self.first), min(before - 1, self.last)
        return high >= low and any(self.mark(seq) is not None for seq in range(low, high + 1))


def trail_of(cursor: int, fresh: Sequence[Line], hashes: Sequence[bytes]) -> Trail:
    """Remember a batch's new events.

    Args:
        cursor: the number before the first new one.
        fresh: the new events.
        hashes: the rolling hash behind each.
    """
    marks, checkpoints, last = bytearray(), list[Position](), cursor
    for line, chained in zip(fresh, hashes, strict=True):
        marks += NO_MARK * (line.last - last - 1)
        marks += chained[:MARK_BYTES]
        last = line.last
        if last % CHECKPOINT_EVERY == 0:
            checkpoints.append(Position(last, chained))
    return Trail(cursor + 1, bytes(marks), checkpoints)
