"""The judge's charge points: they keep a ledger of what they were told is stored; `verdict` compares it.

It stands outside both processes and shares no code with them. A message counts when its CALLRESULT was read, and not
before; one that was not answered is sent again, under a new message id, until it is.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

ANSWER_WITHIN_S = 20.0
BETWEEN_TRIES_S = 0.1
PAUSE_S = 0.02
"""After each message, so that a run stays small enough to be compared record by record."""
STATUSES = {"UnlockConnector": "Unlocked"}
"""What is answered to a call, where it is not Accepted."""


@dataclass
class Book:
    """What the charge points were told is stored."""

    starts: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    """(charge point, transactionId) → the StartTransaction."""
    stops: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    samples: dict[tuple[str, str], str] = field(default_factory=dict)
    """(charge point, timestamp) → the value, as it was sent."""
    refused: list[list[Any]] = field(default_factory=list)
    """CALLERRORs: there must be none."""
    reused: list[tuple[str, int]] = field(default_factory=list)
    """Transaction numbers that were given twice: there must be none."""
    calls: list[tuple[str, str, dict[str, Any], float]] = field(default_factory=list)
    """What charge points were asked to do: identity, action, payload, and when, of `time.monotonic`."""
    connections: int = 0
    first_answer_at: float | None = None
    """When the first CALLRESULT came since somebody set this to `None`; of `time.monotonic`."""
    told_at: dict[tuple[str, int], float] = field(default_factory=dict)
    """When a start was acknowledged, of `time.monotonic`; by the key of `starts`."""
    sampled: dict[str, list[tuple[datetime, float]]] = field(default_factory=dict)
    """By charge point: the timestamps of `samples` in their order, and when each was acknowledged."""

    @property
    def records(self) -> int:
        return len(self.starts) + len(self.stops) + len(self.samples)


class JudgedChargePoint:
    """Charges again and again until told to finish, and then ends what it began."""

    def __init__(self, url: str, identity: str, password: str, id_tag: str, book: Book, seed: int) -> None:
        self._url = f"{url}/{identity}"
        token = base64.b64encode(f"{identity}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}
        self._identity = identity
        self._id_tag = id_tag
        self._book = book
        self._random = random.Random(seed)
        self._clock = datetime.now(UTC) - timedelta(hours=6)
        self._register_wh = self._random.randrange(1_000_000)
        self._number = 0
        self._websocket: ClientConnection | None = None
        self._booted = False
        self.finish = asyncio.Event()

    async def run(self) -> None:
        """Live until `finish` is set and the last transaction has ended."""
        try:
            while not self.finish.is_set():
                await self._charge()
        finally:
            if self._websocket is not None:
                await self._websocket.close()

    async def _charge(self) -> None:
        start = {
            "connectorId": 1,
            "idTag": self._id_tag,
            "meterStart": self._register_wh,
            "timestamp": self._tick(),
        }
        answer = await self._tell("StartTransaction", start)
        key = (self._identity, answer["transactionId"])
        if key in self._book.starts:
            self._book.reused.append(key)
        self._book.starts[key] = start
        self._book.told_at[key] = time.monotonic()
        for _ in range(self._random.randrange(1, 4)):
            await self._meter(key[1])
        stop = {
            "transactionId": key[1],
            "meterStop": self._register_wh,
            "timestamp": self._tick(),
            "idTag": self._id_tag,
        }
        await self._tell("StopTransaction", stop)
        self._book.stops[key] = stop

    async def _meter(self, transaction_id: int) -> None:
        self._register_wh += self._random.randrange(1, 500)
        at = self._tick()
        register = str(self._register_wh)
        value = {"timestamp": at, "sampledValue": [{"value": register}]}
        await self._tell("MeterValues", {"connectorId": 1, "transactionId": transaction_id, "meterValue": [value]})
        self._book.samples[self._identity, at] = register
        self._book.sampled.setdefault(self._identity, []).append((canonical(at), time.monotonic()))

    def _tick(self) -> str:
        self._clock += timedelta(seconds=1)
        return self._clock.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    async def _tell(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send until it is answered: the retry of OCPP 1.6 ed. 2 §3.7, without its limit."""
        while True:
            try:
                await asyncio.sleep(PAUSE_S)
                if self._websocket is None:
                    await self._connect()
                return await self._call(action, payload)
            except (OSError, TimeoutError, websockets.WebSocketException):
                self._websocket = None
                await asyncio.sleep(BETWEEN_TRIES_S)

    async def _connect(self) -> None:
        self._websocket = await websockets.connect(
            self._url,
            additional_headers=self._headers,
            subprotocols=[websockets.Subprotocol("ocpp1.6")],
            proxy=None,
            ping_interval=None,
            open_timeout=ANSWER_WITHIN_S,
        )
        self._book.connections += 1
        if not self._booted:  # later connections come without a boot, as OCPP-J 1.6 §5.4 allows
            await self._call("BootNotification", {"chargePointVendor": "Judge", "chargePointModel": "J1"})
            self._booted = True

    async def _call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        assert self._websocket is not None
        self._number += 1
        message_id = str(self._number)
        await self._websocket.send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while True:
                frame = json.loads(await self._websocket.recv())
                if frame[0] == 3 and frame[1] == message_id:
                    if self._book.first_answer_at is None:
                        self._book.first_answer_at = time.monotonic()
                    answer: dict[str, Any] = frame[2]
                    return answer
                if frame[0] == 4:
                    self._book.refused.append(frame)
                if frame[0] == 2:
                    await self._obey(*frame[1:])

    async def _obey(self, message_id: str, action: str, payload: dict[str, Any]) -> None:
        assert self._websocket is not None
        self._book.calls.append((self._identity, action, payload, time.monotonic()))
        await self._websocket.send(json.dumps([3, message_id, {"status": STATUSES.get(action, "Accepted")}]))


def canonical(at: str) -> datetime:
    """An instant, however it is written."""
    return datetime.fromisoformat(at)
