"""What the edge asks for of the directory, and what it makes of the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from contract.directory import EMPTY, DirectoryPolicy, DirectorySet, canonical, digest, moved
from edge.domain.directory import Held, Verdict, is_stale, judge, question

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
CLOUD, OTHER_CLOUD = uuid4(), uuid4()
HELD = Held(CLOUD, 7, EMPTY, 0, NOON, NOON)


def test_who_has_a_version_of_this_cloud_asks_for_what_changed() -> None:
    asked = question(DirectorySet.ID_TAGS, HELD, CLOUD, 2, intact=True)
    assert (asked.since, asked.incarnation, asked.after, asked.epoch) == (7, CLOUD, None, 2)


@pytest.mark.parametrize(
    ("held", "cloud", "intact"), [(None, CLOUD, True), (HELD, OTHER_CLOUD, True), (HELD, CLOUD, False)]
)
def test_a_version_that_means_nothing_asks_for_a_snapshot(held: Held | None, cloud: object, *, intact: bool) -> None:
    asked = question(DirectorySet.ID_TAGS, held, cloud, 2, intact=intact)  # type: ignore[arg-type]
    assert (asked.since, asked.incarnation, asked.epoch) == (None, None, 2)


def test_what_changed_between_two_slices_is_asked_for_again() -> None:
    assert judge(7, 8, "a", "b") is Verdict.AGAIN
    assert judge(7, 7, "a", "a") is Verdict.DONE


def test_the_same_version_with_another_content_asks_for_everything() -> None:
    assert judge(7, 7, "a", "b") is Verdict.SNAPSHOT


@pytest.mark.parametrize(
    ("age_s", "stale"), [(0, False), (60, False), (900, False), (901, True), (-60, False), (-901, True)]
)
def test_a_directory_is_stale_after_its_policy_s_patience(age_s: int, *, stale: bool) -> None:
    checked_at = NOON - timedelta(seconds=age_s)
    assert is_stale(checked_at, DirectoryPolicy(stale_after_s=900), NOON) is stale


def test_where_no_directory_ever_came_down_nothing_grows_stale() -> None:
    assert not is_stale(None, DirectoryPolicy(), NOON)


def test_the_content_hash_does_not_depend_on_the_order_or_on_the_way() -> None:
    one, two = digest("a", canonical({"x": 1, "y": "é"})), digest("b", canonical({"y": "é", "x": 1}))
    assert one != two
    forth = moved(moved(EMPTY, added=one), added=two)
    assert forth == moved(EMPTY, added=one + two)
    assert moved(moved(forth, taken=one), taken=two) == EMPTY
    assert moved(forth, added=0, taken=0) == forth
