from __future__ import annotations

import pytest

from cloud.auth import throttle
from cloud.auth.throttle import Throttle


def test_an_address_may_try_some_times_at_once_and_then_slowly() -> None:
    door = Throttle(burst=3, every_s=10.0)
    assert [door.take("a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 10.0]
    assert door.take("b", 0.0) == 0.0
    assert door.take("a", 4.0) == pytest.approx(6.0)
    assert door.take("a", 10.0) == 0.0
    assert door.take("a", 10.0) == 10.0


def test_a_good_attempt_costs_nothing_and_saves_nothing_up() -> None:
    door = Throttle(burst=2, every_s=10.0)
    for _ in range(5):
        assert door.take("a", 0.0) == 0.0
        door.give_back("a", 0.0)
    door.give_back("a", 0.0)
    assert [door.take("a", 0.0) for _ in range(3)] == [0.0, 0.0, 10.0]


def test_many_addresses_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST_ADDRESSES", 10)
    door = Throttle()
    for number in range(100):
        door.take(str(number), 0.0)
    assert list(door._buckets) == [str(number) for number in range(90, 100)]
