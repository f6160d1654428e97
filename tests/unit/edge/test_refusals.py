from __future__ import annotations

from edge.central_system.refusals import MAX_KINDS, MAX_UNKNOWN, Refusals


def test_the_same_refusal_many_times_is_one_count() -> None:
    refusals = Refusals()
    assert not refusals
    for _ in range(3):
        refusals.add("wrong_key", "CP1")
    refusals.add("unknown", "CP1")
    assert refusals
    assert refusals.take() == {("wrong_key", "CP1"): 3, ("unknown", "CP1"): 1}
    assert not refusals
    assert refusals.take() == {}


def test_a_flood_is_counted_in_bounded_memory() -> None:
    refusals = Refusals()
    for number in range(MAX_KINDS + 500):
        refusals.add("wrong_key", f"CP{number}")
    refusals.add("wrong_key", "CP0")
    counts = refusals.take()
    assert len(counts) == MAX_KINDS + 1
    assert counts["wrong_key", "(others)"] == 500
    assert counts["wrong_key", "CP0"] == 2


def test_a_flood_of_made_up_identities_becomes_a_few_events() -> None:
    refusals = Refusals()
    for _ in range(2):
        for number in range(500):
            refusals.add("unknown", f"CP{number}")
        refusals.add("unknown", "CP0")
        counts = refusals.take()
        assert len(counts) == MAX_UNKNOWN + 1
        assert counts["unknown", "(others)"] == 500 - MAX_UNKNOWN
        assert counts["unknown", "CP0"] == 2
