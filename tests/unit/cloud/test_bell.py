"""A hint wakes who waits; none is needed for correctness."""

from __future__ import annotations

import asyncio
import threading
import time

from cloud.db.bell import POLL, Bell


async def test_a_ring_from_another_thread_wakes_the_waiter() -> None:
    bell = Bell()
    with bell.listen("a") as hint:
        threading.Timer(0.05, bell.ring, [["b", "a"]]).start()
        began = time.monotonic()
        await hint.wait(30)
    assert time.monotonic() - began < POLL.total_seconds() / 2


async def test_a_ring_between_taking_the_place_and_waiting_is_heard() -> None:
    bell = Bell()
    with bell.listen("a") as hint:
        bell.ring(["a"])
        await asyncio.sleep(0)
        began = time.monotonic()
        await hint.wait(30)
    assert time.monotonic() - began < POLL.total_seconds() / 2


async def test_without_a_ring_the_wait_ends_by_itself() -> None:
    with Bell().listen("a") as hint:
        await hint.wait(0.01)


async def test_who_is_watched_for_waits_for_a_ring_alone() -> None:
    bell, after_s = Bell(), POLL.total_seconds() * 1.2
    with bell.listen("a") as hint:
        assert bell.waiting() == ["a"]
        threading.Timer(after_s, bell.ring, [["a"]]).start()
        began = time.monotonic()
        await hint.wait(30, watched=True)
    assert after_s - 0.05 < time.monotonic() - began < 30
    assert bell.waiting() == []


async def test_closing_wakes_everybody() -> None:
    bell = Bell()
    with bell.listen("a") as one, bell.listen("b") as other:
        bell.close()
        began = time.monotonic()
        await asyncio.gather(one.wait(30), other.wait(30))
    assert bell.closed
    assert time.monotonic() - began < POLL.total_seconds() / 2


def test_ringing_when_nobody_ever_listened_does_no_harm() -> None:
    Bell().ring(["a"])
