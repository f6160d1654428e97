from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from cloud.auth.admission import (
    LONGEST_RETRY_AFTER_S,
    MOST_WAITING,
    REQUESTS_OF_A_GREETING,
    Admission,
    Enter,
    Later,
    Queue,
    Urgency,
)

ARRIVING = [urgency for urgency in Urgency if urgency is not Urgency.BEGUN]


def a_door(most_at_work: int = 4) -> Admission:
    return Admission(most_at_work, patience_s=0.2)


def queued(door: Admission, urgencies: Iterable[Urgency]) -> list[int]:
    found = [door.arrive(urgency, 0.0) for urgency in urgencies]
    return [one.ticket for one in found if isinstance(one, Queue)]


def test_only_so_many_are_at_work_and_the_next_one_waits() -> None:
    door = a_door()
    assert [door.arrive(Urgency.LEDGER, 0.0) for _ in range(5)] == [*[Enter()] * 4, Queue(1)]
    assert door.left(Urgency.LEDGER, 0.1) == [1]
    assert door.left(Urgency.LEDGER, 0.1) == []
    assert door.at_work == 3


def test_transactions_go_before_meter_values_and_whoever_has_begun_before_all() -> None:
    door = a_door(most_at_work=4)
    for _ in range(4):
        door.arrive(Urgency.LEDGER, 0.0)
    meter, live, first, second, begun = queued(
        door, [Urgency.METER, Urgency.LIVE, Urgency.LEDGER, Urgency.LEDGER, Urgency.BEGUN]
    )
    called = [door.left(Urgency.LEDGER, 0.1) for _ in range(5)]
    assert called == [[begun], [first], [second], [meter], [live]]


def test_meter_values_never_take_the_last_places() -> None:
    door = a_door(most_at_work=8)
    assert [door.arrive(Urgency.METER, 0.0) for _ in range(7)] == [*[Enter()] * 6, Queue(1)]
    assert [door.arrive(Urgency.LEDGER, 0.0) for _ in range(2)] == [Enter(), Enter()]
    assert door.left(Urgency.LEDGER, 0.1) == []
    assert door.left(Urgency.METER, 0.1) == [1]


def test_a_full_queue_gives_up_its_least_urgent_and_newest_for_one_that_is_more_urgent() -> None:
    door = a_door(most_at_work=4)
    for _ in range(4):
        door.arrive(Urgency.LEDGER, 0.0)
    *_, newest = queued(door, [Urgency.METER] * MOST_WAITING)
    assert isinstance(door.arrive(Urgency.METER, 0.0), Later)
    assert door.arrive(Urgency.LEDGER, 0.0) == Queue(newest + 1, instead_of=newest)
    assert door.arrive(Urgency.GREETING, 0.0) == Queue(newest + 2, instead_of=newest - 1)


def test_whoever_has_begun_is_never_sent_away() -> None:
    door = a_door(most_at_work=4)
    queued(door, [Urgency.LEDGER] * (4 + MOST_WAITING))
    assert isinstance(door.arrive(Urgency.LEDGER, 0.0), Later)
    assert isinstance(door.arrive(Urgency.BEGUN, 0.0), Queue)


def test_each_that_is_sent_away_is_given_a_later_time_at_the_pace_of_the_work() -> None:
    door = a_door(most_at_work=4)
    for _ in range(200):  # half a second each, four at a time
        while isinstance(door.arrive(Urgency.LEDGER, 0.0), Enter):
            pass
        door.left(Urgency.LEDGER, 0.5)
    one_greeting_s = REQUESTS_OF_A_GREETING * 0.5 / 4
    told = [door.later(Urgency.GREETING, 100.0).retry_after_s for _ in range(20)]
    assert told == sorted(told)
    assert 20 * one_greeting_s - 2 <= told[-1] <= 20 * one_greeting_s + 2
    assert door.later(Urgency.METER, 1000.0) == Later(1)
    assert max(door.later(Urgency.GREETING, 1000.0).retry_after_s for _ in range(500)) == LONGEST_RETRY_AFTER_S


def test_who_gave_up_is_not_called() -> None:
    door = a_door(most_at_work=4)
    for _ in range(4):
        door.arrive(Urgency.LEDGER, 0.0)
    first, second = queued(door, [Urgency.LEDGER] * 2)
    door.forget(first)
    door.forget(first)
    assert door.left(Urgency.LEDGER, None) == [second]


@given(st.lists(st.one_of(st.sampled_from(ARRIVING), st.just("leave"), st.just("give up")), max_size=300))
def test_no_place_is_lost_or_given_twice(steps: list[Urgency | str]) -> None:
    door, at_work, waiting = a_door(most_at_work=5), list[Urgency](), dict[int, Urgency]()
    for step in steps:
        if isinstance(step, Urgency):
            match door.arrive(step, 0.0):
                case Enter():
                    at_work.append(step)
                case Queue(ticket, instead_of):
                    waiting[ticket] = step
                    waiting.pop(instead_of or 0, None)
        elif step == "leave" and at_work:
            for ticket in door.left(at_work.pop(0), 0.01):
                at_work.append(waiting.pop(ticket))
        elif step == "give up" and waiting:
            door.forget(next(iter(waiting)))
            waiting.pop(next(iter(waiting)))
        assert door.at_work == len(at_work) <= 5
        assert door.bulk_at_work == sum(urgency.is_bulk for urgency in at_work) <= 4
        assert len(waiting) <= MOST_WAITING
        assert len(at_work) == 5 or all(urgency.is_bulk for urgency in waiting.values())
