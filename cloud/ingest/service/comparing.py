"""Compare what an edge shows of its past with what the cloud remembers of an epoch."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.db.database import Unit
from cloud.ingest import pasts, repository
from cloud.ingest.pasts import Segment
from cloud.ingest.schemas import Position
from cloud.ingest.service.partings import Judged, part
from cloud.ingest.service.trail import MARK_BYTES, Trail
from cloud.models.pasts import StreamTrailRow
from contract.batch import GENESIS
from contract.link import Greeting, Parting, Past, Point
from contract.streams import Stream


@dataclass(frozen=True, slots=True)
class Memory:
    """The cloud's memory of one stream of an epoch, and of the epochs that it goes on from."""

    unit: Unit
    site: str
    stream: Stream
    cursor: int
    segments: list[Segment]
    """The newest first."""

    def judge(self, point: Point) -> Judged:
        """Compare one place."""
        if point.seq > self.cursor:
            return Judged(point.seq, is_same=False)
        known = self._known(point.seq)
        return Judged(point.seq, None if known is None else known == bytes.fromhex(point.hash)[: len(known)])

    def between(self, low: int, high: int) -> bool:
        """Whether a hash of a number above `low` and below `high` is known."""
        return any(self._remembers(segment, low + 1, high - 1) for segment in self.segments)

    def whole(self, seq: int) -> bytes | None:
        """The whole hash at a number, where it is known."""
        return pasts.full_hash(self.unit, self.site, self._segment(seq), self.stream, seq)

    def _known(self, seq: int) -> bytes | None:
        if (whole := self.whole(seq)) is not None:
            return whole
        row = pasts.trail_at(self.unit, self.site, self._segment(seq), self.stream, seq)
        return None if row is None else _trail(row).mark(seq)

    def _remembers(self, segment: Segment, low: int, high: int) -> bool:
        low, high = max(low, segment.after + 1), high if segment.last is None else min(high, segment.last)
        if low > high:
            return False
        if pasts.has_checkpoint_between(self.unit, self.site, segment, self.stream, low, high):
            return True
        rows = pasts.trails(self.unit, self.site, segment, self.stream, low, high)
        return any(_trail(row).marked_between(low - 1, high + 1) for row in rows)

    def _segment(self, seq: int) -> Segment:
        return next((one for one in self.segments if one.after < seq), self.segments[-1])


def memory(unit: Unit, site: str, epoch: int, stream: Stream) -> Memory:
    """What is known of a stream of an epoch."""
    cursor = repository.position(unit, site, epoch, stream).cursor
    return Memory(unit, site, stream, cursor, pasts.segments(unit, site, epoch, stream))


def compare(memory: Memory, greeting: Greeting) -> tuple[Parting, Position | None]:
    """Narrow down where an edge's stream parts from the cloud's.

    Returns:
        What is known now, and the place itself, once it is found.
    """
    head = greeting.streams.get(memory.stream)
    past = (greeting.past or {}).get(memory.stream) or Past(points=[], complete=True)
    parting = part(
        [memory.judge(point) for point in past.points],
        cursor=memory.cursor,
        acknowledged=0 if head is None else head.acknowledged,
        complete=past.complete,
        remembers_between=memory.between,
    )
    hashes = {0: GENESIS} | {point.seq: bytes.fromhex(point.hash) for point in past.points}
    return parting, Position(parting.same, hashes[parting.same]) if parting.found else None


def _trail(row: StreamTrailRow) -> Trail:
    assert len(row.marks) == (row.last - row.first + 1) * MARK_BYTES  # noqa: S101 - as it was written
    return Trail(row.first, row.marks)
