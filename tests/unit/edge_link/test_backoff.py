from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.sync.backoff import LONGEST_RETRY_AFTER_S, Backoff, Pace


def latest(_: float = 0.0) -> float:
    return 0.999_999


def test_the_ceiling_doubles_from_one_second_to_five_minutes_and_stays_there() -> None:
    backoff = Backoff(Pace(), latest)
    ceilings = []
    for _ in range(2_000):
        ceilings.append(backoff.ceiling_s)
        backoff.failed(now=0.0)
    assert ceilings[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(ceilings[9:]) == {300}


@given(chance=st.floats(0, 1, exclude_max=True), failures=st.integers(0, 100), now=st.floats(0, 1e9))
def test_the_wait_is_anywhere_between_nothing_and_the_ceiling(chance: float, failures: int, now: float) -> None:
    backoff = Backoff(Pace(), lambda: chance, failures=failures)
    ceiling_s = backoff.ceiling_s
    backoff.failed(now)
    assert now <= backoff.until <= now + ceiling_s + 1e-6


def test_retry_after_is_the_least_wait_and_the_jitter_comes_on_top() -> None:
    backoff = Backoff(Pace(), lambda: 0.5)
    backoff.failed(now=100.0, retry_after_s=20)
    assert backoff.until == 120.5


def test_a_senseless_retry_after_is_bounded() -> None:
    backoff = Backoff(Pace(), lambda: 0.0)
    backoff.failed(now=0.0, retry_after_s=1e12)
    assert backoff.until == LONGEST_RETRY_AFTER_S
    backoff.failed(now=0.0, retry_after_s=-5)
    assert backoff.until == 0


def test_a_wait_for_a_person_is_at_least_half_of_the_slow_pace() -> None:
    backoff = Backoff(Pace(), lambda: 0.0)
    backoff.slow(now=10.0)
    assert backoff.until == 160
    assert backoff.failures == 1


def test_success_forgets_the_failures() -> None:
    backoff = Backoff(Pace(), latest)
    backoff.failed(now=5.0)
    backoff.succeeded()
    assert (backoff.until, backoff.failures, backoff.ceiling_s) == (0, 0, 1)


def test_a_busy_cloud_s_time_is_kept_however_long_the_outage_was() -> None:
    backoff = Backoff(Pace(), latest, failures=12)
    backoff.failed(now=0.0, retry_after_s=3, busy=True)
    assert 3 <= backoff.until <= 6
    backoff.failed(now=0.0, retry_after_s=0, busy=True)
    assert backoff.until <= 1
    backoff.failed(now=0.0, retry_after_s=3)
    assert backoff.until > 300
