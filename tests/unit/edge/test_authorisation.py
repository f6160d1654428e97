from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.domain.authorisation import (
    Decision,
    DirectoryEntry,
    Elsewhere,
    authorise,
    authorise_start,
    cache_until,
    same_group,
)
from edge.domain.policy import Policy
from edge.domain.registration import Registration, interval_s

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOON = NOW + timedelta(days=1)
ELSEWHERE = Elsewhere("CP2", 1, NOW)


def test_an_id_tag_that_is_not_in_the_directory_is_invalid() -> None:
    decision = authorise(None, NOW)
    assert (decision.status, decision.accepted) == ("Invalid", False)
    assert decision.id_tag_info() == {"status": "Invalid"}


@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid"])
def test_a_marked_id_tag_is_what_it_is_marked_whatever_its_expiry(status: str) -> None:
    decision = authorise(DirectoryEntry("A", status, SOON, "HOUSE"), NOW)
    assert (decision.status, decision.expires_at, decision.parent_id_tag) == (status, SOON, "HOUSE")


@pytest.mark.parametrize(
    ("expires_at", "status"),
    [(None, "Accepted"), (SOON, "Accepted"), (NOW, "Expired"), (NOW - SOON.resolution, "Expired")],
)
def test_an_id_tag_expires_at_its_instant(expires_at: datetime | None, status: str) -> None:
    decision = authorise(DirectoryEntry("A", "Accepted", expires_at), NOW)
    assert decision.status == status
    assert decision.accepted == (status == "Accepted")


MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (None, "This id tag is not known at this site."),
        (DirectoryEntry("A", "Blocked", since=MONDAY), "This id tag was blocked on Monday 23 November."),
        (DirectoryEntry("A", "Blocked"), "This id tag was blocked."),
        (
            DirectoryEntry("A", "Blocked", since=NOW - timedelta(days=365)),
            "This id tag was blocked on Saturday 1 March 2025.",
        ),
        (DirectoryEntry("A", "Expired", since=MONDAY), "This id tag was marked as expired on Monday 23 November."),
        (DirectoryEntry("A", "Invalid", since=MONDAY), "This id tag was declared invalid on Monday 23 November."),
        (DirectoryEntry("A", "Accepted", MONDAY), "This id tag expired on Monday 23 November."),
    ],
)
def test_a_refusal_says_in_one_sentence_since_when_and_why(entry: DirectoryEntry | None, reason: str) -> None:
    assert authorise(entry, TUESDAY).reason == reason


@pytest.mark.parametrize(
    ("expires_at", "days", "told"),
    [(None, 7, NOW + timedelta(days=7)), (SOON, 7, SOON), (NOW + timedelta(days=9), 7, NOW + timedelta(days=7))],
)
def test_an_accepted_id_tag_leaves_the_caches_after_some_days(
    expires_at: datetime | None, days: int, told: datetime
) -> None:
    info = authorise(DirectoryEntry("A", "Accepted", expires_at), NOW).id_tag_info(cache_until(NOW, days))
    assert datetime.fromisoformat(info["expiryDate"]) == told


def test_a_refused_id_tag_is_told_no_day_of_the_cache() -> None:
    assert authorise(None, NOW).id_tag_info(cache_until(NOW, 7)) == {"status": "Invalid"}
    assert cache_until(NOW, None) is None


def test_expiry_and_parent_are_told_in_the_form_of_ocpp() -> None:
    info = authorise(DirectoryEntry("A", "Accepted", SOON, "HOUSE"), NOW).id_tag_info()
    assert info == {"status": "Accepted", "expiryDate": "2026-03-02T12:00:00.000Z", "parentIdTag": "HOUSE"}


def test_a_second_transaction_of_an_id_tag_is_concurrent() -> None:
    decision = authorise_start(DirectoryEntry("A", "Accepted", SOON, "HOUSE"), NOW, elsewhere=ELSEWHERE)
    reason = "This id tag is charging already, at CP2, connector 1, since Sunday 1 March at 12:00 UTC."
    assert decision == Decision("ConcurrentTx", reason, SOON, "HOUSE")


@pytest.mark.parametrize(
    ("entry", "elsewhere", "status"),
    [
        (DirectoryEntry("A", "Accepted"), None, "Accepted"),
        (DirectoryEntry("A", "Blocked"), ELSEWHERE, "Blocked"),
        (None, ELSEWHERE, "Invalid"),
    ],
)
def test_only_an_accepted_id_tag_can_be_concurrent(
    entry: DirectoryEntry | None, elsewhere: Elsewhere | None, status: str
) -> None:
    assert authorise_start(entry, NOW, elsewhere=elsewhere).status == status


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("HOUSE", "house", True),
        ("HOUSE", "GARDEN", False),
        (None, None, False),
        ("HOUSE", None, False),
        (None, "A", False),
    ],
)
def test_parents_make_a_group(one: str | None, other: str | None, *, same: bool) -> None:
    assert same_group(one, other) is same


@pytest.mark.parametrize(
    ("registration", "seconds"), [(Registration.ACCEPTED, 300), (Registration.PENDING, 60), (Registration.REJECTED, 60)]
)
def test_the_interval_is_never_zero(registration: Registration, seconds: int) -> None:
    assert interval_s(registration, Policy()) == seconds
