"""A wall clock that falls out of the present is not believed from the first moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from edge.clock import RELEASED, Clock

MAY = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Hands(Clock):
    def __init__(self) -> None:
        super().__init__()
        self.at = MAY
        self.seconds = 100.0

    def machine(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds


def test_a_step_to_before_this_release_is_not_followed_and_time_goes_on() -> None:
    clock = Hands()
    assert clock.now() == MAY
    clock.at = MAY - timedelta(days=3652)
    assert clock.now() == MAY
    assert (clock.suspect, clock.synced()) == (True, False)
    clock.seconds += 90
    assert clock.now() == MAY + timedelta(seconds=90)


def test_a_clock_that_is_set_again_is_believed_again() -> None:
    clock = Hands()
    clock.now()
    clock.at = datetime(1970, 1, 1, tzinfo=UTC)
    clock.now()
    clock.at = MAY + timedelta(minutes=5)
    assert clock.now() == MAY + timedelta(minutes=5)
    assert (clock.suspect, clock.synced()) == (False, True)


def test_a_small_step_back_is_a_correction() -> None:
    clock = Hands()
    clock.now()
    clock.at = MAY - timedelta(hours=1)
    assert clock.now() == MAY - timedelta(hours=1)
    assert not clock.suspect


def test_a_clock_that_was_never_set_tells_no_time_before_this_release() -> None:
    clock = Hands()
    clock.at = datetime(1970, 1, 1, tzinfo=UTC)
    assert clock.now() == RELEASED
    assert clock.suspect


def test_what_is_known_better_counts_although_the_clock_was_asked_before() -> None:
    clock = Hands()
    clock.at = datetime(1970, 1, 1, tzinfo=UTC)
    assert clock.now() == RELEASED
    clock.distrust(MAY)
    clock.distrust(MAY - timedelta(days=1))
    clock.seconds += 5
    assert clock.now() == MAY + timedelta(seconds=5)
