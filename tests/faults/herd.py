"""Many edges in one light process: `python -m tests.faults.herd herd.json`.

Each is an edge's real `Delivery`, real events of a real outbox, and real signatures; only what costs much is left out:
a database for each, and an HTTP client made for more than this. So it is the cloud that is measured.

On standard output it says `waiting` once everything is prepared. A line on standard input sets the herd free, another
one sends it home after all of it is in the cloud. What it tells is one JSON document: how each request went.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop

from contract.directory import DIRECTORY_PATH, DirectoryAnswer, DirectorySet
from contract.link import COMMANDS_PATH, EVENTS_PATH, GREETING_PATH, CommandsAnswer, GreetingAnswer, PushAnswer
from contract.streams import Stream
from edge.store.link_credentials import StoredKey
from edge.sync.backoff import Backoff, Pace
from edge.sync.carrier import EventRefused, TooLarge, Unavailable
from edge.sync.delivery import Delivery
from edge.sync.link import Greet, LinkState, Push, Wait
from edge.sync.signing import SigningKey
from tests.faults.herd_line import Asked, Line
from tests.faults.herd_outbox import Envelopes, Outbox

POLL_S = 25


class Member:
    """One edge of the herd.

    Args:
        site: its name.
        line: to the cloud, signed with its key.
        outbox: what it holds.
        pace: how it backs off.
        failures: how often it has found nobody before the herd is set free.
    """

    def __init__(self, site: str, line: Line, outbox: Outbox, pace: Pace, failures: int) -> None:
        self.site = site
        self.line = line
        self.ledger_at: float | None = None
        self.all_at: float | None = None
        self._outbox = outbox
        self._delivery = Delivery(epoch=1, heads=outbox.heads(), chance=random.random, pace=pace)
        self._delivery._link.failures = failures
        self._backoff = Backoff(pace, random.random)
        self._wake, self._ready = asyncio.Event(), asyncio.Event()
        self._paths = {path: path.replace("{edge}", site) for path in (GREETING_PATH, EVENTS_PATH, COMMANDS_PATH)}

    async def live(self) -> None:
        """Try as an edge does that has just failed once more."""
        link = self._delivery._link
        link.until = time.monotonic() + random.random() * link.ceiling_s
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_the_directory())
            tasks.create_task(self._poll())
            while True:
                self._wake.clear()
                match self._delivery.next(time.monotonic()):
                    case Wait(until):
                        await self._sleep(until)
                    case Greet() as action:
                        tasks.create_task(self._greet(action))
                    case Push() as action:
                        tasks.create_task(self._push(action))

    async def _sleep(self, until: float | None) -> None:
        try:
            async with asyncio.timeout(None if until is None else max(0.0, until - time.monotonic())):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _greet(self, action: Greet) -> None:
        body = self._outbox.greeting(self.site)
        outcome = await self.line.ask(Asked("greet", "POST", self._paths[GREETING_PATH], body), GreetingAnswer)
        if isinstance(outcome, GreetingAnswer):
            own = {stream: self._outbox.hash_at(stream, told.cursor) for stream, told in outcome.streams.items()}
            self._delivery.greeted(action.ticket, outcome, own, time.monotonic())
        else:
            assert not isinstance(outcome, TooLarge | EventRefused)
            self._delivery.greeting_failed(action.ticket, outcome, time.monotonic())
        self._look()

    async def _push(self, action: Push) -> None:
        body = self._outbox.batch(self.site, action)
        path = self._paths[EVENTS_PATH]
        outcome = await self.line.ask(Asked(action.stream.value, "POST", path, body, zipped=True), PushAnswer)
        now = time.monotonic()
        if isinstance(outcome, PushAnswer):
            self._delivery.pushed(action.ticket, outcome, self._outbox.hash_at(action.stream, outcome.cursor), now)
        else:
            self._delivery.push_failed(action.ticket, outcome, now)
        self._look()

    def _look(self) -> None:
        left = {stream: flow.head - flow.cursor for stream, flow in self._delivery.flows.items()}
        if self.ledger_at is None and not left[Stream.LEDGER]:
            self.ledger_at = time.time()
        if self.all_at is None and not any(left.values()):
            self.all_at = time.time()
        (self._ready.set if self._delivery.state is LinkState.READY else self._ready.clear)()
        self._wake.set()

    async def _follow_the_directory(self) -> None:
        for name in DirectorySet:
            asked = Asked("directory", "GET", DIRECTORY_PATH.format(edge=self.site, set=name.value))
            while True:
                await self._ready.wait()
                if isinstance(outcome := await self.line.ask(asked, DirectoryAnswer), DirectoryAnswer):
                    break
                await self._pause(outcome)

    async def _poll(self) -> None:
        told = 0
        while True:
            await self._ready.wait()
            path = f"{self._paths[COMMANDS_PATH]}?after=0&wait={POLL_S}&directory={told}&epoch=1"
            outcome = await self.line.ask(Asked("poll", "GET", path), CommandsAnswer)
            if isinstance(outcome, CommandsAnswer):
                told = sum((outcome.directory or {}).values())
            else:
                assert not isinstance(outcome, TooLarge | EventRefused)
                self._delivery.reported(outcome, time.monotonic())
                self._look()
                await self._pause(outcome)

    async def _pause(self, outcome: object) -> None:
        assert isinstance(outcome, Unavailable)
        self._backoff.failed(time.monotonic(), outcome.retry_after_s, busy=outcome.busy)
        await asyncio.sleep(self._backoff.until - time.monotonic())


async def run(plan: dict[str, Any]) -> None:
    """Let the herd live until all of it is in the cloud, and then rest until it is sent home."""
    envelopes = Envelopes.read(Path(plan["outbox"]))
    pace = Pace(longest_s=plan["longest_s"])
    members = []
    for site, store, seed in plan["members"]:
        key = SigningKey(StoredKey(key_id="", seed=seed))
        line = Line(plan["port"], site, key)
        members.append(Member(site, line, Outbox(envelopes, site, store), pace, plan["failures"]))
    loop = asyncio.get_running_loop()
    print("waiting", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    before = os.times()
    async with AsyncExitStack() as stack:
        tasks = [asyncio.create_task(member.live()) for member in members]
        stack.callback(lambda: [task.cancel() for task in tasks])
        while not all(member.all_at for member in members):
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.2)
        after = os.times()
        print("done", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
    told = {
        "cpu_s": after.user + after.system - before.user - before.system,
        "ledger_at": [member.ledger_at for member in members],
        "all_at": [member.all_at for member in members],
        "requests": [asdict(one) for member in members for one in member.line.told],
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    uvloop.run(run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
