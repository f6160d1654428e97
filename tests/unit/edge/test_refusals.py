from __future__ import annotations

from edge.central_system.refusals import MAX_KINDS, MAX_UNKNOWN, MERGE_S, Refusals


def test_the_same_refusal_many_times_is_one_count() -> None:
    refusals = Refusals()
    assert not refusals
    for _ in range(3):
        refusals.add("wrong_key", "CP1")
    refusals.add("unknown", "CP1")
    assert refusals
    assert refusals.take(0.0) == {("wrong_key", "CP1"): 3, ("unknown", "CP1"): 1}
    assert not refusals
    assert refusals.take(0.0) == {}


def test_what_repeats_itself_is_told_once_an_hour_and_at_the_end() -> None:
    refusals = Refusals()
    told: list[int] = []
    for second in range(0, 3 * int(MERGE_S), 10):
        refusals.add("wrong_key", "CP1")
        told += refusals.take(float(second)).values()
    assert told == [1, 360, 360]
    told += refusals.take(3 * MERGE_S - 1, all_of_them=True).values()
    assert sum(told) == 3 * 360


def test_what_could_not_be_recorded_is_due_again() -> None:
    refusals = Refusals()
    refusals.add("wrong_key", "CP1")
    refusals.put_back(refusals.take(0.0))
    assert refusals.take(1.0) == {("wrong_key", "CP1"): 1}


def test_a_flood_is_counted_in_bounded_memory() -> None:
    refusals = Refusals()
    for number in range(MAX_KINDS + 500):
        refusals.add("wrong_key", f"CP{number}")
    refusals.add("wrong_key", "CP0")
    counts = refusals.take(0.0)
    assert len(counts) == MAX_KINDS + 1
    assert counts["wrong_key", "(others)"] == 500
    assert counts["wrong_key", "CP0"] == 2


def test_a_flood_of_made_up_identities_becomes_a_few_events() -> None:
    refusals = Refusals()
    for hour in range(2):
        for number in range(500):
            refusals.add("unknown", f"CP{number}")
        refusals.add("unknown", "CP0")
        counts = refusals.take(hour * MERGE_S)
        assert len(counts) == MAX_UNKNOWN + 1
        assert counts["unknown", "(others)"] == 500 - MAX_UNKNOWN
        assert counts["unknown", "CP0"] == 2
