"""A charge point on npm's `ocpp-rpc`: `npm/charge_point.js` in a process of its own, with Node from PyPI."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import subprocess
from typing import Any

from tests.peers.npm_packages import FOLDER
from tests.peers.peer import ANSWERS, PeerRefusedError


class NpmChargePoint:
    """Gives orders to the process and hears what it says."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.complaints: list[Any] = []
        self.openings = 0
        self._child = child
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._hearing = asyncio.create_task(self._hear())

    @classmethod
    async def start(cls, node: list[str], endpoint: str, identity: str, password: str) -> NpmChargePoint:
        """Start the process; it does not connect yet."""
        child = await asyncio.create_subprocess_exec(
            *node, FOLDER / "charge_point.js", stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=2**24
        )
        peer = cls(child)
        peer._say({"endpoint": endpoint, "identity": identity, "password": password})
        for action, payload in ANSWERS.items():
            await peer.answer(action, payload)
        return peer

    async def connect(self) -> None:
        await self._order("connect")

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        return await self._order("call", action=action, payload=payload)

    async def record(
        self, action: str, payload: dict[str, Any], *, begins: str | None = None, within: str | None = None
    ) -> dict[str, Any]:
        return await self._order("record", action=action, payload=payload, begins=begins, within=within)

    async def answer(self, action: str, payload: dict[str, Any]) -> None:
        await self._order("answer", action=action, payload=payload)

    async def cut(self) -> None:
        await self._order("cut")

    async def close(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        await self._child.wait()
        self._hearing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._hearing

    async def _order(self, what: str, **fields: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._waiting[number] = answered = asyncio.get_running_loop().create_future()
        self._say({"n": number, "do": what} | fields)
        answer: dict[str, Any] = await answered
        return answer

    def _say(self, line: dict[str, Any]) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(line).encode() + b"\n")

    async def _hear(self) -> None:
        assert self._child.stdout is not None
        async for text in self._child.stdout:
            line = json.loads(text)
            match line.get("event"):
                case None:
                    self._settle(line)
                case "open":
                    self.openings += 1
                case "asked":
                    self.asked.append((line["action"], line["payload"]))
                case "complaint":
                    self.complaints.append(line)
        for answered in self._waiting.values():
            answered.set_exception(ConnectionError("the npm charge point's process ended"))

    def _settle(self, line: dict[str, Any]) -> None:
        answered = self._waiting.pop(line["n"])
        if answered.done():
            return
        if "error" in line:
            error = line["error"]
            answered.set_exception(
                PeerRefusedError(error["message"], ocpp_code=error["ocppCode"], http_status=error["httpStatus"])
            )
        else:
            answered.set_result(line["result"])
