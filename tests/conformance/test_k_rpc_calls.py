"""Our own calls: K19 to K22, K30."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.central_system.calling import Calls
from edge.clock import Clock
from edge.errors import CallTimeoutError, LocalProtocolError, NotConnectedError
from edge.ocppj.session import Session, Settled
from tests.harness.central import Central, central
from tests.harness.wire import Wire

TIMEOUT_S = 0.5


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Central]:
    async with central(tmp_path, call_timeout_s=TIMEOUT_S) as house:
        yield house


def asked(house: Central, identity: str, action: str = "ClearCache") -> asyncio.Task[dict[str, Any]]:
    return asyncio.create_task(house.system.registry.call(identity, action, {}))


async def accept(wire: Wire, call: list[Any]) -> None:
    await wire.websocket.send(json.dumps([3, call[1], {"status": "Accepted"}]))


async def test_k19_a_call_is_answered_while_one_of_ours_is_open(house: Central) -> None:
    async with await house.charge_point("K19") as wire:
        await wire.boot()
        asking = asked(house, "K19")
        ours = await wire.frame()
        assert (await wire.call("Heartbeat", {}))[0] == 3
        assert not asking.done()
        await accept(wire, ours)
        assert await asking == {"status": "Accepted"}


ACTIONS = ["RemoteStopTransaction", "RemoteStartTransaction", "ClearChargingProfile", "ChangeConfiguration", "GetLog"]
STEPS = st.one_of(st.sampled_from(ACTIONS), st.sampled_from(["answer", "late", "cancel", "wait"]))


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_k20_never_are_two_of_our_calls_open_on_one_connection(steps: list[str]) -> None:
    """The session refuses a second open call with an error of ours: none must ever come up."""
    assert not [error for error in asyncio.run(play(steps)) if isinstance(error, LocalProtocolError | AssertionError)]


async def play(steps: list[str]) -> list[Any]:
    """Ask, answer, answer late and cancel in any order; returns what the calls came to."""
    session = Session()
    sent: list[list[Any]] = []

    def send(frame: bytes, _: str) -> None:
        assert session.calling
        sent.append(json.loads(frame))

    def nothing(*_: str) -> None:
        return

    theirs_answered = asyncio.Event()
    theirs_answered.set()
    calls = Calls(
        "CP",
        session,
        Clock(),
        timeout_s=60,
        require=nothing,
        send=send,
        unanswered=nothing,
        answered=nothing,
        theirs_answered=theirs_answered,
    )
    tasks: list[asyncio.Task[dict[str, Any]]] = []
    for step in steps:
        if step in ACTIONS:
            tasks.append(asyncio.create_task(calls.call(step, {}, lambda: True)))
        elif step == "cancel" and tasks:
            tasks[len(sent) % len(tasks)].cancel()
        elif step in ("answer", "late") and sent:
            which = sent[-1] if step == "answer" else sent[0]
            received = session.receive(json.dumps([3, which[1], {}]))
            if isinstance(received, Settled):
                calls.settle(received.answer)
        for _ in range(5):
            await asyncio.sleep(0)
    calls.close()
    return list(await asyncio.gather(*tasks, return_exceptions=True))


async def test_k20_the_most_urgent_call_goes_first(house: Central) -> None:
    async with await house.charge_point("K20") as wire:
        await wire.boot()
        tasks = [asked(house, "K20", action) for action in ("ClearCache", *reversed(ACTIONS))]
        order = []
        for _ in tasks:
            call = await wire.frame()
            order.append(call[2])
            await accept(wire, call)
        await asyncio.gather(*tasks)
        assert order == ["ClearCache", *ACTIONS]


async def test_k21_a_call_that_is_open_when_the_connection_breaks_fails_at_once(tmp_path: Path) -> None:
    async with central(tmp_path, call_timeout_s=3600) as house, await house.charge_point("K21") as wire:
        await wire.boot()
        asking, waiting = asked(house, "K21"), asked(house, "K21")
        await wire.frame()
        wire.websocket.transport.abort()
        for task in (asking, waiting):
            with pytest.raises(NotConnectedError):
                await asyncio.wait_for(task, 30)


async def test_k32_a_charge_point_that_needs_a_longer_pause_after_its_boot_is_given_it(tmp_path: Path) -> None:
    async with central(tmp_path, call_timeout_s=TIMEOUT_S) as house, await house.charge_point("SLOW") as wire:
        boot = {"chargePointVendor": "Wall Box Chargers", "chargePointModel": "PLP1-0-2-4"}
        assert (await wire.result("BootNotification", boot))["status"] == "Accepted"
        booted_at = time.monotonic()
        asking = asked(house, "SLOW")
        await wire.frame()
        assert time.monotonic() - booted_at >= 1.9
        asking.cancel()


async def test_k22_a_late_answer_does_not_confuse_the_next_call(house: Central) -> None:
    async with await house.charge_point("K22") as wire:
        await wire.boot()
        late = asked(house, "K22")
        first = await wire.frame()
        with pytest.raises(CallTimeoutError):
            await late
        following = asked(house, "K22")
        second = await wire.frame()
        await wire.websocket.send(json.dumps([3, first[1], {"status": "Rejected"}]))
        await accept(wire, second)
        assert await following == {"status": "Accepted"}


async def unanswered(house: Central, wire: Wire, times: int) -> None:
    for _ in range(times):
        with pytest.raises(CallTimeoutError):
            await asked(house, "K30")


async def test_k30_three_unanswered_calls_close_and_three_times_an_hour_raise_an_alarm_instead_of_a_loop(
    house: Central,
) -> None:
    for _ in range(3):
        assert [alarm for alarm in house.alarms("CallsUnanswered") if alarm.cleared_at is None] == []
        async with await house.charge_point("K30") as wire:
            await wire.boot()
            await unanswered(house, wire, 3)
            await asyncio.wait_for(wire.websocket.wait_closed(), 30)
            assert wire.websocket.close_reason == "calls are not answered"
        await house.until(lambda: not house.connected("K30"))
    await house.until(lambda: len(house.alarms("CallsUnanswered")) == 1)
    async with await house.charge_point("K30") as wire:
        await wire.boot()
        await unanswered(house, wire, 4)
        assert house.connected("K30")  # no loop: it sends its records, and a person has been told
        assert len(house.alarms("CallsUnanswered")) == 1
        for _ in range(4):
            await wire.frame()
        asking = asked(house, "K30")
        await accept(wire, await wire.frame())
        assert await asking == {"status": "Accepted"}
        await house.until(lambda: house.alarms("CallsUnanswered")[0].cleared_at is not None)
