"""A small central system on the `ocpp` package, the opposite end in the simulator's tests."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Self

from ocpp.exceptions import InternalError
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

Payload = dict[str, Any]


class Session(ChargePoint):
    """The central system's end of one connection."""

    def __init__(self, identity: str, websocket: ServerConnection, central: CentralSystem) -> None:
        super().__init__(identity, websocket, response_timeout=5)
        self.central = central

    def take(self, action: str, payload: Payload) -> None:
        self.central.received.append((self.id, action, payload))
        if self.central.failures[action] > 0:
            self.central.failures[action] -= 1
            raise InternalError("the test wants it so")

    @on(Action.boot_notification)
    def boot_notification(self, **payload: Any) -> Any:
        self.take("BootNotification", payload)
        status = self.central.boot_answers.pop(0) if self.central.boot_answers else "Accepted"
        return call_result.BootNotification(
            current_time=datetime.now(UTC).isoformat(), interval=self.central.interval_s, status=status
        )

    @on(Action.heartbeat)
    def heartbeat(self, **payload: Any) -> Any:
        self.take("Heartbeat", payload)
        return call_result.Heartbeat(current_time=datetime.now(UTC).isoformat())

    @on(Action.status_notification)
    def status_notification(self, **payload: Any) -> Any:
        self.take("StatusNotification", payload)
        return call_result.StatusNotification()

    @on(Action.authorize)
    def authorize(self, **payload: Any) -> Any:
        self.take("Authorize", payload)
        return call_result.Authorize(id_tag_info={"status": self.central.authorise_status})

    @on(Action.start_transaction)
    def start_transaction(self, **payload: Any) -> Any:
        self.take("StartTransaction", payload)
        status = self.central.start_status
        return call_result.StartTransaction(transaction_id=next(self.central.numbers), id_tag_info={"status": status})

    @on(Action.meter_values)
    def meter_values(self, **payload: Any) -> Any:
        self.take("MeterValues", payload)
        return call_result.MeterValues()

    @on(Action.firmware_status_notification)
    def firmware_status_notification(self, **payload: Any) -> Any:
        self.take("FirmwareStatusNotification", payload)
        return call_result.FirmwareStatusNotification()

    @on(Action.diagnostics_status_notification)
    def diagnostics_status_notification(self, **payload: Any) -> Any:
        self.take("DiagnosticsStatusNotification", payload)
        return call_result.DiagnosticsStatusNotification()

    @on(Action.signed_firmware_status_notification)
    def signed_firmware_status_notification(self, **payload: Any) -> Any:
        self.take("SignedFirmwareStatusNotification", payload)
        return call_result.SignedFirmwareStatusNotification()

    @on(Action.log_status_notification)
    def log_status_notification(self, **payload: Any) -> Any:
        self.take("LogStatusNotification", payload)
        return call_result.LogStatusNotification()

    @on(Action.stop_transaction)
    def stop_transaction(self, **payload: Any) -> Any:
        self.take("StopTransaction", payload)
        return call_result.StopTransaction()


class CentralSystem:
    """Answers all that a charge point sends, unless told otherwise, and keeps what it received."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, Payload]] = []
        self.failures: Counter[str] = Counter()
        self.boot_answers: list[str] = []
        self.authorise_status = "Accepted"
        self.start_status = "Accepted"
        self.interval_s = 60
        self.numbers = itertools.count(1000)
        self.sessions: dict[str, Session] = {}
        self.headers: dict[str, Headers] = {}
        self.connections: Counter[str] = Counter()
        self.refusing = False
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    async def listen(self, port: int = 0) -> None:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            port,
            subprotocols=[Subprotocol("ocpp1.6")],
            compression=None,
            process_request=self._gate,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def shut(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    def of(self, action: str) -> list[Payload]:
        return [payload for _, name, payload in self.received if name == action]

    def actions(self) -> list[str]:
        return [name for _, name, _ in self.received]

    def drop_lines(self) -> None:
        for session in self.sessions.values():
            session._connection.transport.abort()

    async def send(self, identity: str, payload: object) -> Any:
        return await self.sessions[identity].call(payload, suppress=False)

    def _gate(self, connection: ServerConnection, _request: Request) -> Response | None:
        return connection.respond(503, "not now\n") if self.refusing else None

    async def _serve(self, websocket: ServerConnection) -> None:
        assert websocket.request is not None
        identity = websocket.request.path.rsplit("/", 1)[1]
        self.headers[identity] = websocket.request.headers
        self.connections[identity] += 1
        session = self.sessions[identity] = Session(identity, websocket, self)
        try:
            await session.start()
        except ConnectionClosed:
            return
