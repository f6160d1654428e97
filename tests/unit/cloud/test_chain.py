"""A batch either continues the cloud's chain, or is refused with the place where that one stands."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.errors import ChainError
from cloud.ingest.schemas import Batch, Line, Position
from cloud.ingest.service.chain import follow
from contract.batch import GENESIS, BatchHeader, Envelope, next_hash
from contract.events import Skipped
from contract.streams import Stream

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def line(seq: int, skipped: Skipped | None = None) -> Line:
    content = Envelope(
        id=UUID(int=seq),
        seq=seq,
        type="Any.v1",
        occurred_at=NOON,
        recorded_at=NOON,
        clock_synced=True,
        boot_id="b",
        monotonic_ms=0,
        subject="edge",
        data={},
    )
    return Line.of(b"event %d" % seq, content, skipped)


def hashes(count: int) -> list[bytes]:
    found = [GENESIS]
    for seq in range(1, count + 1):
        found.append(next_hash(found[-1], b"event %d" % seq))
    return found


HASHES = hashes(40)


def at(cursor: int) -> Position:
    return Position(cursor, HASHES[cursor])


def skip(first: int, last: int) -> Line:
    return line(last, Skipped(first=first, last=last, count=1, why="thinned", hash_after=HASHES[last].hex()))


def batch(lines: list[Line], *, before: Position | None = None, last: int | None = None) -> Batch:
    first = lines[0].first if lines else 1
    header = BatchHeader(
        edge="tower",
        epoch=1,
        stream=Stream.LEDGER,
        first=first,
        last=last or lines[-1].last,
        hash_before=HASHES[first - 1].hex(),
    )
    return Batch(header, before or at(first - 1), lines)


@given(cursor=st.integers(0, 30), first=st.integers(1, 31), size=st.integers(1, 9))
def test_events_above_the_cursor_are_new_and_the_rest_is_skipped(cursor: int, first: int, size: int) -> None:
    sent = batch([line(seq) for seq in range(first, first + size)])
    if first > cursor + 1:
        with pytest.raises(ChainError, match="hole") as refused:
            follow(at(cursor), sent)
        assert refused.value.extensions == {"cursor": cursor, "hash": HASHES[cursor].hex()}
        return
    fresh, after, _ = follow(at(cursor), sent)
    last = first + size - 1
    assert [each.last for each in fresh] == list(range(cursor + 1, last + 1))
    assert after == at(max(cursor, last))


@given(cursor=st.integers(1, 20), first=st.integers(1, 20), size=st.integers(1, 9))
def test_an_overlap_with_another_past_is_a_fork(cursor: int, first: int, size: int) -> None:
    sent = batch([line(seq) for seq in range(first, first + size)], before=Position(first - 1, b"\x01" * 32))
    if first <= cursor + 1 <= first + size:
        with pytest.raises(ChainError, match="another past"):
            follow(at(cursor), sent)


@pytest.mark.parametrize(
    "lines",
    [[line(1), line(3)], [line(1), line(2), line(1)], [line(1), line(1)], [line(1), skip(3, 5)], [skip(1, 3), line(3)]],
)
def test_a_hole_or_a_step_back_within_the_batch_is_refused(lines: list[Line]) -> None:
    with pytest.raises(ChainError, match="within the batch"):
        follow(at(0), batch(lines))


def test_a_batch_that_ends_elsewhere_than_it_says_is_refused() -> None:
    with pytest.raises(ChainError, match="ends at 2, but says 3"):
        follow(at(0), batch([line(1), line(2)], last=3))


def test_a_skipped_range_counts_as_all_its_numbers() -> None:
    fresh, after, _ = follow(at(2), batch([skip(3, 9), line(10)]))
    assert [each.last for each in fresh] == [9, 10]
    assert after == at(10)


@pytest.mark.parametrize("cursor", [3, 5, 8])
def test_a_skipped_range_may_begin_at_or_below_the_cursor(cursor: int) -> None:
    fresh, after, _ = follow(at(cursor), batch([skip(3, 9), line(10)]))
    assert [each.last for each in fresh] == [9, 10]
    assert after == at(10)


def test_a_skipped_range_that_is_known_is_compared_at_its_end() -> None:
    assert follow(at(9), batch([skip(3, 9)])) == ([], at(9), [])
    with pytest.raises(ChainError, match="another past"):
        follow(Position(9, b"\x02" * 32), batch([skip(3, 9)]))


def test_only_duplicates_leave_the_position_as_it_is() -> None:
    assert follow(at(20), batch([line(4), line(5)])) == ([], at(20), [])
