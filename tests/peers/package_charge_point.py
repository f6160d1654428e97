"""A charge point on the `ocpp` package's client, with an offline queue and a reconnection of its own."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import websockets
from ocpp.charge_point import camel_to_snake_case, remove_nones, snake_to_camel_case
from ocpp.exceptions import OCPPError
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.client import ClientConnection

from tests.peers.peer import ANSWERS, PeerRefusedError

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
ANSWER_WITHIN_S = 20.0


@dataclass
class _Record:
    action: str
    payload: dict[str, Any]
    begins: str | None
    within: str | None
    answered: asyncio.Future[dict[str, Any]]


class PackageChargePoint:
    """One charge point; each connection has an `ocpp.v16.ChargePoint` of its own."""

    def __init__(self, endpoint: str, identity: str, password: str) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.complaints: list[Any] = []
        self.openings = 0
        self._url = f"{endpoint}/{quote(identity)}"
        token = base64.b64encode(f"{identity}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}
        self._answers = dict(ANSWERS)
        self._line: _Line | None = None
        self._living: asyncio.Task[None] | None = None
        self._records: deque[_Record] = deque()
        self._numbers: dict[str, int] = {}
        self._work = asyncio.Event()

    async def connect(self) -> None:
        try:
            websocket = await self._dial()
        except websockets.InvalidStatus as error:
            raise PeerRefusedError(str(error), http_status=error.response.status_code) from error
        self._line = self._opened(websocket)
        self._living = asyncio.create_task(self._live(self._line))

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if self._line is None:
            raise ConnectionError("not connected")
        request = getattr(call, action)(**camel_to_snake_case(payload))
        try:
            result = await self._line.call(request, suppress=False)
        except OCPPError as error:
            raise PeerRefusedError(str(error), ocpp_code=error.code) from error
        answer: dict[str, Any] = remove_nones(snake_to_camel_case(asdict(result)))
        return answer

    async def record(
        self, action: str, payload: dict[str, Any], *, begins: str | None = None, within: str | None = None
    ) -> dict[str, Any]:
        record = _Record(action, payload, begins, within, asyncio.get_running_loop().create_future())
        self._records.append(record)
        self._work.set()
        return await record.answered

    async def answer(self, action: str, payload: dict[str, Any]) -> None:
        self._answers[action] = payload

    async def cut(self) -> None:
        assert self._line is not None
        self._line.websocket.transport.abort()

    async def close(self) -> None:
        if self._living is not None:
            self._living.cancel()
            await asyncio.gather(self._living, return_exceptions=True)

    def obey(self, action: str, request: dict[str, Any]) -> Any:
        """Answer a call of the central system."""
        wire = json.dumps(snake_to_camel_case(request), default=float)  # the package makes some numbers Decimals
        self.asked.append((action, json.loads(wire)))
        return getattr(call_result, action)(**camel_to_snake_case(self._answers[action]))

    async def _dial(self) -> ClientConnection:
        return await websockets.connect(
            self._url,
            additional_headers=self._headers,
            subprotocols=[websockets.Subprotocol("ocpp1.6")],
            proxy=None,
            open_timeout=ANSWER_WITHIN_S,
        )

    def _opened(self, websocket: ClientConnection) -> _Line:
        self.openings += 1
        return _Line(self, websocket)

    async def _live(self, line: _Line) -> None:
        while True:
            async with line.websocket:
                await self._serve(line)
                self._line = None
            self._line = line = self._opened(await self._dial_again())

    async def _serve(self, line: _Line) -> None:
        delivering = asyncio.create_task(self._deliver())
        try:
            await line.start()
        except websockets.ConnectionClosed:
            return
        finally:
            line.fail()
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)

    async def _dial_again(self) -> ClientConnection:
        pause_s = FIRST_PAUSE_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            try:
                return await self._dial()
            except (OSError, TimeoutError, websockets.WebSocketException):
                continue

    async def _deliver(self) -> None:
        """The offline queue of OCPP 1.6 ed. 2 §3.7: in order, again on each connection, under a new message id."""
        while True:
            await self._work.wait()
            while self._records:
                record = self._records[0]
                own = {} if record.within is None else {"transactionId": self._numbers[record.within]}
                try:
                    answer = await self.call(record.action, record.payload | own)
                except PeerRefusedError as error:
                    record.answered.set_exception(error)
                else:
                    if record.begins is not None:
                        self._numbers[record.begins] = answer["transactionId"]
                    record.answered.set_result(answer)
                self._records.popleft()
            self._work.clear()


class _Line(ChargePoint):
    """One connection: the package's class as it is, with every answer looked up."""

    def __init__(self, peer: PackageChargePoint, websocket: ClientConnection) -> None:
        super().__init__("peer", websocket, response_timeout=ANSWER_WITHIN_S)
        self.websocket = websocket
        self._peer = peer
        self._callers: set[asyncio.Task[Any]] = set()
        self.route_map = {action: {"_on_action": partial(_obey, peer, action)} for action in ANSWERS}

    async def route_message(self, raw_msg: str) -> None:
        """Remember what the package finds wrong with a call; it answers a CALLERROR itself."""
        try:
            await super().route_message(raw_msg)
        except OCPPError as error:
            self._peer.complaints.append(str(error))
            raise

    async def _handle_call(self, msg: Any) -> Any:
        try:
            return await super()._handle_call(msg)
        except OCPPError as error:
            self._peer.complaints.append(f"{msg}: {error}")
            raise

    async def call(self, payload: Any, **options: Any) -> Any:
        """As the package does, but a call ends with its connection instead of with its time-out."""
        calling = asyncio.ensure_future(super().call(payload, **options))
        self._callers.add(calling)
        calling.add_done_callback(self._callers.discard)
        try:
            return await calling
        except asyncio.CancelledError:
            if calling.cancelled() and self.websocket.close_code is not None:
                raise ConnectionError("the connection ended before the answer") from None
            calling.cancel()
            raise

    def fail(self) -> None:
        """End the calls that wait for an answer."""
        for calling in self._callers:
            calling.cancel()


def _obey(peer: PackageChargePoint, action: str, **request: Any) -> Any:
    return peer.obey(action, request)
