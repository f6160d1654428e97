from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge.domain import local_list
from edge.domain.authorisation import DirectoryEntry
from edge.domain.availability import unfulfilled

entries = st.dictionaries(
    st.sampled_from([f"T{number}" for number in range(12)]),
    st.sampled_from([{"status": "Accepted"}, {"status": "Blocked"}]),
)


def taken(held: dict[str, Any], sendings: list[local_list.Sending]) -> dict[str, Any]:
    """What a charge point has that obeys."""
    held = dict(held)
    for sending in sendings:
        if sending.update_type == local_list.FULL:
            held = {}
        for entry in sending.authorizations:
            if "idTagInfo" in entry:
                held[entry["idTag"]] = entry["idTagInfo"]
            else:
                held.pop(entry["idTag"], None)
        assert held == sending.result
    return held


@given(st.none() | entries, entries, st.integers(-1, 2**31 - 1), st.integers(1, 5))
def test_whatever_it_has_it_ends_with_what_is_wanted_in_chunks_and_with_growing_versions(
    held: dict[str, Any] | None, wanted: dict[str, Any], version: int, chunk: int
) -> None:
    sendings = local_list.plan(held, version, wanted, chunk)
    assert taken({"OLD": {}} if held is None else held, sendings) == wanted
    assert all(0 < sending.version <= local_list.LAST_VERSION for sending in sendings)
    assert all(len(sending.authorizations) <= chunk for sending in sendings)
    numbers = [sending.version for sending in sendings]
    assert numbers == sorted(set(numbers))
    assert all(sending.update_type == local_list.DIFFERENTIAL for sending in sendings[1:])
    if sendings and sendings[0].update_type == local_list.DIFFERENTIAL:
        assert numbers[0] > version


def test_a_list_that_is_not_known_is_sent_in_full_even_when_nothing_is_wanted() -> None:
    [only] = local_list.plan(None, 7, {}, 10)
    assert only.payload() == {"listVersion": 8, "updateType": "Full", "localAuthorizationList": []}


def test_the_list_is_trimmed_to_those_who_come_first_and_fit() -> None:
    tags = [DirectoryEntry("A" * 20, "Accepted"), DirectoryEntry("B", "Blocked"), DirectoryEntry("C", "Accepted")]
    assert local_list.entries_for(tags, 1, 16) == {"B": {"status": "Blocked"}}


def test_limits_that_say_nothing_usable_are_the_defaults() -> None:
    assert [local_list.limit(text, 9) for text in (None, "", "0", "-1", "x", " 4 ")] == [9, 9, 9, 9, 9, 4]


def test_only_what_a_charge_point_does_not_show_is_asked_again() -> None:
    desired = {0: "Operative", 1: "Inoperative", 2: "Inoperative", 3: "Operative"}
    statuses = {1: "Available", 2: "Unavailable", 3: "Unavailable"}
    assert unfulfilled(desired, statuses) == [(1, "Inoperative"), (3, "Operative")]
