from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.domain.authorisation import Decision, DirectoryEntry, authorise, authorise_start, same_group
from edge.domain.policy import Policy
from edge.domain.registration import Registration, interval_s

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOON = NOW + timedelta(days=1)


def test_an_id_tag_that_is_not_in_the_directory_is_invalid() -> None:
    decision = authorise(None, NOW)
    assert (decision.status, decision.accepted) == ("Invalid", False)
    assert decision.id_tag_info() == {"status": "Invalid"}


@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid"])
def test_a_marked_id_tag_is_what_it_is_marked_whatever_its_expiry(status: str) -> None:
    decision = authorise(DirectoryEntry("A", status, SOON, "HOUSE"), NOW)
    assert decision == Decision(status, f"This id tag is marked {status} in the site's directory.", SOON, "HOUSE")


@pytest.mark.parametrize(
    ("expires_at", "status"),
    [(None, "Accepted"), (SOON, "Accepted"), (NOW, "Expired"), (NOW - SOON.resolution, "Expired")],
)
def test_an_id_tag_expires_at_its_instant(expires_at: datetime | None, status: str) -> None:
    decision = authorise(DirectoryEntry("A", "Accepted", expires_at), NOW)
    assert decision.status == status
    assert decision.accepted == (status == "Accepted")


def test_the_reason_of_an_expired_id_tag_names_the_day() -> None:
    assert (
        authorise(DirectoryEntry("A", "Accepted", NOW), NOW).reason == "This id tag expired on 2026-03-01 at 12:00 UTC."
    )


def test_expiry_and_parent_are_told_in_the_form_of_ocpp() -> None:
    info = authorise(DirectoryEntry("A", "Accepted", SOON, "HOUSE"), NOW).id_tag_info()
    assert info == {"status": "Accepted", "expiryDate": "2026-03-02T12:00:00.000Z", "parentIdTag": "HOUSE"}


def test_a_second_transaction_of_an_id_tag_is_concurrent() -> None:
    decision = authorise_start(DirectoryEntry("A", "Accepted", SOON, "HOUSE"), NOW, charging_at="CP2, connector 1")
    assert decision == Decision("ConcurrentTx", "This id tag is charging already, at CP2, connector 1.", SOON, "HOUSE")


@pytest.mark.parametrize(
    ("entry", "charging_at", "status"),
    [
        (DirectoryEntry("A", "Accepted"), None, "Accepted"),
        (DirectoryEntry("A", "Blocked"), "CP2, connector 1", "Blocked"),
        (None, "CP2, connector 1", "Invalid"),
    ],
)
def test_only_an_accepted_id_tag_can_be_concurrent(
    entry: DirectoryEntry | None, charging_at: str | None, status: str
) -> None:
    assert authorise_start(entry, NOW, charging_at=charging_at).status == status


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
