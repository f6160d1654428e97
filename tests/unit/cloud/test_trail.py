"""What is remembered of hashes costs what the events cost, however many numbers a `Skipped` stands for."""

from __future__ import annotations

from cloud.ingest.service.trail import MARK_BYTES, NO_MARK, Trail, checkpoints_of, trails_of
from contract.events import Skipped
from tests.unit.cloud.test_chain import hashes, line


def skipped(first: int, last: int) -> Skipped:
    return Skipped(first=first, last=last, count=last - first + 1, why="thinned", hash_after="ab" * 32)


def test_events_without_a_hole_are_one_run() -> None:
    chained = hashes(4)
    [run] = trails_of([line(3), line(4, skipped(4, 4))], chained[3:])
    assert (run.first, run.last) == (3, 4)
    assert [run.mark(seq) for seq in (2, 3, 4, 5)] == [None, chained[3][:MARK_BYTES], chained[4][:MARK_BYTES], None]


def test_a_skipped_range_ends_the_run_and_the_next_begins_at_its_last_number() -> None:
    far = 2**62 - 1
    lines = [line(1), line(far, skipped(2, far)), line(far + 1)]
    chained = hashes(3)[1:]
    runs = trails_of(lines, chained)
    assert [(run.first, run.last, len(run.marks)) for run in runs] == [
        (1, 1, MARK_BYTES),
        (far, far + 1, 2 * MARK_BYTES),
    ]
    assert runs[1].mark(far) == chained[1][:MARK_BYTES]
    assert not any(run.marked_between(1, far) for run in runs)
    assert runs[1].marked_between(1, far + 1)


def test_a_skipped_range_at_the_beginning_of_a_batch_leaves_no_empty_run() -> None:
    runs = trails_of([line(2_000, skipped(1, 2_000))], hashes(1)[1:])
    assert [(run.first, run.last) for run in runs] == [(2_000, 2_000)]


def test_a_row_from_before_with_a_place_for_each_skipped_number_is_still_read() -> None:
    old = Trail(1, b"a" * MARK_BYTES + NO_MARK * 3 + b"b" * MARK_BYTES)
    assert [old.mark(seq) is None for seq in range(1, 6)] == [False, True, True, True, False]
    assert [old.marked_between(*span) for span in ((0, 2), (1, 5), (1, 6), (4, 9), (5, 9))] == [
        True,
        False,
        True,
        True,
        False,
    ]


def test_every_thousandth_number_that_has_a_hash_is_a_checkpoint() -> None:
    lines, chained = [line(2_000, skipped(1, 2_000)), line(2_001)], hashes(2)[1:]
    assert [place.cursor for place in checkpoints_of(lines, chained)] == [2_000]
