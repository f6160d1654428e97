from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.connector import STATUSES, pick_for_start


@pytest.mark.parametrize(
    ("statuses", "occupied", "picked"),
    [
        ({}, [], None),
        ({0: "Available"}, [], None),
        ({1: "Available"}, [], 1),
        ({2: "Available", 1: "Available"}, [], 1),
        ({1: "Available", 2: "Preparing"}, [], 2),
        ({1: "Preparing", 2: "Preparing"}, [1], 2),
        ({1: "Available", 2: "Preparing"}, [2], 1),
        ({1: "Available"}, [1], None),
        ({1: "Charging", 2: "Faulted"}, [], None),
    ],
)
def test_a_connector_with_a_cable_comes_before_a_free_one(
    statuses: dict[int, str], occupied: list[int], picked: int | None
) -> None:
    assert pick_for_start(statuses, occupied) == picked


@pytest.mark.parametrize("status", [status for status in STATUSES if status not in ("Available", "Preparing")])
def test_no_other_status_is_ready_for_a_start(status: str) -> None:
    assert pick_for_start({1: status}, []) is None


@given(st.dictionaries(st.integers(0, 9), st.sampled_from(STATUSES)), st.sets(st.integers(0, 9)))
def test_what_is_picked_is_ready_and_free(statuses: dict[int, str], occupied: set[int]) -> None:
    picked = pick_for_start(statuses, occupied)
    ready = {
        number for number, status in statuses.items() if number and status in ("Available", "Preparing")
    } - occupied
    assert (picked is None) == (not ready)
    assert picked is None or picked in ready
