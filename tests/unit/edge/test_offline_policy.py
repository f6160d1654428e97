"""What happens to id tags while the directory is stale, and when a limit is reached."""

from __future__ import annotations

import pytest

from contract.directory import DirectoryPolicy, OfflineMode
from edge.domain.authorisation import Decision, by_policy
from edge.domain.limits import is_reached

YES, NO = Decision("Accepted", "yes"), Decision("Invalid", "no")
DENY, KNOWN = DirectoryPolicy(offline=OfflineMode.DENY), DirectoryPolicy(offline=OfflineMode.ALLOW_KNOWN)
UNKNOWN = DirectoryPolicy(offline=OfflineMode.ALLOW_UNKNOWN, unknown_limit_wh=7_500)


def test_deny_lets_nobody_begin_but_everybody_end() -> None:
    assert by_policy(YES, DENY, known=True, charging=False).status == "Invalid"
    assert by_policy(YES, DENY, known=True, charging=True) is YES
    assert by_policy(NO, DENY, known=False, charging=False) is NO


def test_allow_known_decides_as_ever() -> None:
    assert by_policy(YES, KNOWN, known=True, charging=False) is YES
    assert by_policy(NO, KNOWN, known=False, charging=False) is NO


def test_allow_unknown_lets_strangers_draw_up_to_the_limit_and_refuses_whom_it_knows_to_refuse() -> None:
    stranger = by_policy(NO, UNKNOWN, known=False, charging=False)
    assert (stranger.accepted, stranger.limit_wh) == (True, 7_500)
    assert "7.5 kWh" in stranger.reason
    assert by_policy(NO, UNKNOWN, known=True, charging=False) is NO
    assert by_policy(YES, UNKNOWN, known=True, charging=False).limit_wh is None


@pytest.mark.parametrize(
    ("start", "register", "reached"),
    [(1_000, 5_999, False), (1_000, 6_000, True), (1_000, None, False), (None, None, False), (None, 1, True)],
)
def test_a_limit_is_reached_as_far_as_it_was_metered(start: int | None, register: int | None, *, reached: bool) -> None:
    assert is_reached(start, register, 5_000) is reached
