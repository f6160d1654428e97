"""Plays the frames of a row of `quirks.yaml` through a running edge, and looks at what the edge made of them."""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from contract.operations import OPERATIONS
from edge.ocpp16.quirks import Row
from tests.harness.quirk_story import Outcome, Step, Story
from tests.harness.wire import basic

SOON_S = 60.0
BOOT_ID = "boot"
CALL, RESULT = 2, 3
ANY = "*"


@dataclass
class Awaited:
    """A call of the edge that the story tells of."""

    step: Step
    came: asyncio.Future[dict[str, Any]]


@dataclass
class Player:
    """One charge point of one row."""

    row: Row
    story: Story
    url: str
    api: httpx.AsyncClient
    identity: str
    tag: str
    key: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.configuration = dict(self.story.configuration)
        self.local_list: list[str] = []
        self.first_call_after_s: float | None = None
        self._booted_at: float | None = None
        self._count = 0
        self._answers: dict[str, asyncio.Future[Any]] = {}
        self._awaited = [
            Awaited(step, asyncio.get_running_loop().create_future())
            for step in self.story.steps
            if step.asked is not None or (step.rest is not None and step.refused is None)
        ]

    async def play(self) -> None:
        """Play it from the first connection to the last look."""
        put = {"registration_status": "Accepted", "new_key": True}
        made = await self.api.put(f"charge-points/{self.identity}", json=put)
        self.key = made.raise_for_status().json()["password"]
        (await self.api.put(f"id-tags/{self.tag}", json={"status": "Accepted"})).raise_for_status()
        async with AsyncExitStack() as self._line:
            await self._connect()
            await self._boot()
            for step in self.story.steps:
                await self._do(step)
            assert self.story.then is not None
            await self._see(self.story.then)
            await self._call("Heartbeat", {})  # the connection is up after all of it

    async def _connect(self) -> None:
        self._socket: ClientConnection = await self._line.enter_async_context(
            websockets.connect(
                f"{self.url}/{self.identity}",
                additional_headers=basic(self.identity, self.key) | self.story.headers,
                subprotocols=["ocpp1.6"],  # type: ignore[list-item]
                proxy=None,
                ping_interval=None,
                open_timeout=SOON_S,
            )
        )
        reading = asyncio.create_task(self._read(self._socket))
        self._line.callback(reading.cancel)

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            frame = json.loads(text)
            if frame[0] == CALL:
                await socket.send(self._answer(frame))
                continue
            if frame[0] == RESULT and "transactionId" in frame[2]:
                self.numbers.append(frame[2]["transactionId"])  # the edge may ask for something about it at once
            if (waiting := self._answers.pop(frame[1], None)) is not None:
                waiting.set_result(frame)

    def _answer(self, frame: list[Any]) -> str:
        _, message_id, action, payload = frame
        self.asked.append((action, payload))
        if self.first_call_after_s is None and self._booted_at is not None:
            self.first_call_after_s = time.monotonic() - self._booted_at
        for awaited in self._awaited:
            name = awaited.step.asked or OPERATIONS[awaited.step.rest or ""].action
            if name == action and not awaited.came.done() and self._fits(awaited.step.saying, payload):
                awaited.came.set_result(payload)
                if action == "ChangeConfiguration" and '"Accepted"' in awaited.step.answers:
                    self.configuration[payload["key"]] = payload["value"]
                return self._text(awaited.step.answers).replace("<id>", message_id)
        own = getattr(self, f"_{action}", None)
        if own is None:
            return json.dumps([4, message_id, "NotSupported", "", {}])
        answer = own(payload)
        return answer.replace("<id>", message_id) if isinstance(answer, str) else json.dumps([3, message_id, answer])

    def _GetConfiguration(self, payload: dict[str, Any]) -> Any:  # noqa: N802 - an action's name
        names = {name.lower(): name for name in self.configuration}
        wanted = payload.get("key") or list(self.configuration)
        unknown = [name for name in wanted if name.lower() not in names]
        if unknown and self.story.unknown_key is not None:
            return self.story.unknown_key
        known = [names[name.lower()] for name in wanted if name.lower() in names]
        items = [{"key": name, "readonly": False, "value": self.configuration[name]} for name in known]
        return {"configurationKey": items, "unknownKey": unknown}

    def _ChangeConfiguration(self, payload: dict[str, Any]) -> Any:  # noqa: N802 - an action's name
        answer = self.story.refuses.get(payload["key"], "Accepted")
        if answer == "Accepted":
            self.configuration[payload["key"]] = payload["value"]
        return {"status": answer}

    def _GetLocalListVersion(self, _: dict[str, Any]) -> Any:  # noqa: N802 - an action's name
        return {"listVersion": self.story.list_version}

    def _SendLocalList(self, payload: dict[str, Any]) -> Any:  # noqa: N802 - an action's name
        self.local_list += [one["idTag"] for one in payload.get("localAuthorizationList", ())]
        return {"status": "Accepted"}

    async def _boot(self) -> None:
        vendor, model, firmware = self.row.example
        boot = {"chargePointVendor": vendor, "chargePointModel": model, "firmwareVersion": firmware}
        self._booted_at = self._booted_at or time.monotonic()  # its answer comes later, and our first call after that
        answer = await self._call("BootNotification", {name: said for name, said in boot.items() if said is not None})
        assert answer["status"] == "Accepted"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer["currentTime"])

    async def _call(self, action: str, payload: dict[str, Any]) -> Any:
        self._count += 1
        message_id = f"q{self._count}"
        frame = await self._exchange(json.dumps([CALL, message_id, action, payload]), message_id)
        assert frame[0] == RESULT, frame
        return frame[2]

    async def _exchange(self, text: str, message_id: str) -> Any:
        waiting = self._answers[message_id] = asyncio.get_running_loop().create_future()
        await self._socket.send(text)
        async with asyncio.timeout(SOON_S):
            return await waiting

    async def _do(self, step: Step) -> None:  # noqa: C901 - one line per kind of step
        await asyncio.sleep(step.rests_s)
        if step.says is not None:
            await self._say(step)
        if step.starts is not None:
            start = {"connectorId": 1, "idTag": "<tag>", "meterStart": 1000, "timestamp": "<now>"} | step.starts
            await self._call("StartTransaction", self._filled(start))
        if step.stops is not None:
            stop = {"transactionId": self.numbers[-1], "meterStop": 1500, "timestamp": "<now>"} | step.stops
            await self._call("StopTransaction", self._filled(stop))
        if step.states is not None:
            state = {"connectorId": 1, "errorCode": "NoError", "timestamp": "<now>"} | step.states
            await self._call("StatusNotification", self._filled(state))
        if step.asked is not None:
            await self._be_asked(step)
        if step.rest is not None:
            await self._ask(step)
        if step.closes:
            (await self.api.post(f"transactions/{self.numbers[-1]}/close", json={})).raise_for_status()
        if step.dials is not None:
            await self._socket.close()
            with pytest.raises(websockets.InvalidStatus):
                await websockets.connect(
                    f"{self.url}/{self.identity}",
                    additional_headers=basic(self.identity, self.key),
                    subprotocols=step.dials,  # type: ignore[arg-type]
                    proxy=None,
                )
        if step.reconnects:
            await self._socket.close()
            await self._connect()
        if step.boots:
            self.configuration |= step.loses
            await self._boot()

    async def _say(self, step: Step) -> None:
        text, expected = self._text(step.says or ""), self._text(step.hears or "")
        if expected == "nothing":
            await self._socket.send(text)
            return
        wanted = json.loads(expected)
        frame = await self._exchange(text, wanted[1])
        assert _same(wanted, frame), (wanted, frame)

    async def _be_asked(self, step: Step) -> dict[str, Any]:
        (awaited,) = (one for one in self._awaited if one.step is step)
        async with asyncio.timeout(SOON_S):
            payload = await awaited.came
        assert not set(step.lacking) & payload.keys()
        return payload

    async def _ask(self, step: Step) -> None:
        before = len(self.asked)
        answer = await self.api.post(
            f"central-system/clients/{self.identity}/{step.rest}", json=self._filled(step.body)
        )
        assert answer.status_code == (step.refused or (502 if step.answers.startswith("[4") else 200)), answer.text
        assert self._fits(step.gets or {}, answer.json()), answer.text
        if step.refused is None:
            await self._be_asked(step)
        else:
            action = OPERATIONS[step.rest or ""].action
            assert action not in [name for name, _ in self.asked[before:]]

    def _fits(self, wanted: dict[str, Any], given: dict[str, Any]) -> bool:
        return all(name in given and _same(value, given[name]) for name, value in self._filled(wanted).items())

    def _filled(self, value: Any) -> Any:
        return json.loads(self._text(json.dumps(value)))

    def _text(self, text: str) -> str:
        now = datetime.now(UTC)

        def instant(found: re.Match[str]) -> str:
            at = now + timedelta(seconds=int(found[2] or 0))
            return at.strftime("%Y-%m-%dT%H:%M:%S") + ("Z" if found[1] == "now" else "")

        text = re.sub(r"<(now|bare)([+-]\d+)?>", instant, text)
        number = str(self.numbers[-1]) if self.numbers else "0"
        return text.replace('"<number>"', number).replace("<number>", number).replace("<tag>", self.tag)

    async def _see(self, then: Outcome) -> None:
        """Wait until everything is as it must be; what must not have happened is looked at last."""
        async with asyncio.timeout(SOON_S):
            while (wrong := await self._wrong(then)) and not self._late():
                await asyncio.sleep(0.1)
        assert not wrong, wrong
        set_keys = {payload["key"] for action, payload in self.asked if action == "ChangeConfiguration"}
        assert not set_keys & set(then.never_set)
        if then.first_call_after_s is not None:
            assert self.first_call_after_s is not None
            assert self.first_call_after_s >= then.first_call_after_s
        if then.local_list is not None:
            assert set(then.local_list) <= set(self.local_list)
            assert max(map(len, self.local_list)) <= then.longest_id_tag

    def _late(self) -> bool:
        self._until = getattr(self, "_until", time.monotonic() + SOON_S / 2)
        return time.monotonic() > self._until

    async def _wrong(self, then: Outcome) -> list[str]:
        """Name what is not yet, or never, as it must be."""
        return [*await self._wrong_records(then), *await self._wrong_states(then), *await self._wrong_settings(then)]

    async def _wrong_records(self, then: Outcome) -> list[str]:
        wrong = []
        if then.transactions is not None:
            found = (await self._items("transactions", charge_point=self.identity))[::-1]
            running = [one | {"running": one["stopped_at"] is None} for one in found]
            fitting = [self._fits(*pair) for pair in zip(then.transactions, running, strict=False)]
            if len(running) != len(then.transactions) or not all(fitting):
                wrong.append(f"transactions: {running}")
            if then.samples is not None and running:
                values = await self._items(f"transactions/{running[0]['transaction_id']}/meter-values")
                samples = [sample["value"] for value in values for sample in value["samples"]]
                if samples != then.samples:
                    wrong.append(f"samples: {samples}")
        if then.quarantined is not None:
            kept = await self._items("quarantine", charge_point=self.identity)
            if [one["reason"] for one in kept][::-1] != then.quarantined:
                wrong.append(f"quarantined: {[one['reason'] for one in kept]}")
        return wrong

    async def _wrong_states(self, then: Outcome) -> list[str]:
        wrong = []
        shown = (await self.api.get(f"charge-points/{self.identity}")).json()
        states = {one["connector_id"]: one["status"] for one in shown["connectors"]}
        if not then.connectors.items() <= states.items():
            wrong.append(f"connectors: {states}")
        if any(not any(word in one for one in shown["advice"]) for word in then.advice):
            wrong.append(f"advice: {shown['advice']}")
        return wrong

    async def _wrong_settings(self, then: Outcome) -> list[str]:
        wrong = []
        if not then.configuration.items() <= self.configuration.items():
            wrong.append(f"set: {self.configuration}")
        configuration = (await self.api.get(f"charge-points/{self.identity}/configuration")).json()
        reported = {one["key"]: one["value"] for one in configuration["reported"]}
        if configuration["pending"] or not then.reported.items() <= reported.items():
            wrong.append(f"configuration: {configuration}")
        counts = {action: sum(name == action for name, _ in self.asked) for action in then.asked}
        if counts != then.asked:
            wrong.append(f"asked: {self.asked}")
        return wrong

    async def _items(self, path: str, **query: str) -> list[dict[str, Any]]:
        answer = await self.api.get(path, params=query | {"limit": "100"})
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return items


def _same(wanted: Any, given: Any) -> bool:
    """Compare JSON; the word `*` stands for anything, and an object may hold more than is wanted."""
    if wanted == ANY:
        return True
    if isinstance(wanted, dict):
        return isinstance(given, dict) and all(name in given and _same(wanted[name], given[name]) for name in wanted)
    if isinstance(wanted, list):
        return isinstance(given, list) and len(given) == len(wanted) and all(map(_same, wanted, given))
    return bool(wanted == given)
