from __future__ import annotations

from edge.domain.throttle import Throttle

GUESSER = ("CP1", "10.0.0.9")


def test_ten_failures_in_a_minute_make_the_next_try_wait_for_the_first_to_be_forgotten() -> None:
    throttle = Throttle(most=10, window_s=60)
    for second in range(10):
        assert throttle.wait_s(GUESSER, second) == 0
        throttle.failed(GUESSER, second)
    assert throttle.wait_s(GUESSER, 10) == 50
    assert throttle.wait_s(GUESSER, 60) == 0


def test_another_address_and_another_identity_do_not_wait() -> None:
    throttle = Throttle(most=1)
    throttle.failed(GUESSER, 0)
    assert throttle.wait_s(GUESSER, 1) > 0
    assert throttle.wait_s(("CP1", "10.0.0.1"), 1) == 0
    assert throttle.wait_s(("CP2", "10.0.0.9"), 1) == 0


def test_slow_failures_are_never_throttled() -> None:
    throttle = Throttle(most=10, window_s=60)
    for number in range(100):
        assert throttle.wait_s(GUESSER, number * 7) == 0
        throttle.failed(GUESSER, number * 7)


def test_a_success_forgets_the_failures() -> None:
    throttle = Throttle(most=1)
    throttle.failed(GUESSER, 0)
    throttle.succeeded(GUESSER)
    assert throttle.wait_s(GUESSER, 1) == 0


def test_made_up_names_do_not_fill_the_memory() -> None:
    throttle = Throttle(most=1, remembered=100)
    for number in range(1000):
        throttle.failed((str(number), "10.0.0.9"), number / 1000)
    assert throttle.wait_s(("0", "10.0.0.9"), 1) == 0
    assert throttle.wait_s(("999", "10.0.0.9"), 1) > 0
    assert len(throttle._failures) == 100
