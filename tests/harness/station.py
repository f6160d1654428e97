"""A charge point that is not ours: the `ocpp` package's client, with answers that a test can set."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from typing import Any

import websockets
from ocpp.routing import create_route_map, on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.client import ClientConnection


class Station(ChargePoint):
    """Answers each Core operation with what `answers` holds for it, and remembers what was asked."""

    def __init__(self, identity: str, connection: ClientConnection) -> None:
        super().__init__(identity, connection, response_timeout=20)
        self.websocket = connection
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.route_map = create_route_map(self)

    def _answer(self, action: str, request: dict[str, Any], **standard: Any) -> Any:
        self.asked.append((action, request))
        return getattr(call_result, action)(**(self.answers.get(action) or standard))

    @on(Action.change_availability)
    def on_change_availability(self, **request: Any) -> Any:
        return self._answer("ChangeAvailability", request, status="Accepted")

    @on(Action.change_configuration)
    def on_change_configuration(self, **request: Any) -> Any:
        return self._answer("ChangeConfiguration", request, status="Accepted")

    @on(Action.clear_cache)
    def on_clear_cache(self, **request: Any) -> Any:
        return self._answer("ClearCache", request, status="Accepted")

    @on(Action.data_transfer)
    def on_data_transfer(self, **request: Any) -> Any:
        return self._answer("DataTransfer", request, status="Accepted")

    @on(Action.get_configuration)
    def on_get_configuration(self, **request: Any) -> Any:
        return self._answer(
            "GetConfiguration",
            request,
            configuration_key=[{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
            unknown_key=["Key2"],
        )

    @on(Action.remote_start_transaction)
    def on_remote_start_transaction(self, **request: Any) -> Any:
        return self._answer("RemoteStartTransaction", request, status="Accepted")

    @on(Action.remote_stop_transaction)
    def on_remote_stop_transaction(self, **request: Any) -> Any:
        return self._answer("RemoteStopTransaction", request, status="Accepted")

    @on(Action.reset)
    def on_reset(self, **request: Any) -> Any:
        return self._answer("Reset", request, status="Accepted")

    @on(Action.unlock_connector)
    def on_unlock_connector(self, **request: Any) -> Any:
        return self._answer("UnlockConnector", request, status="Unlocked")

    async def ask(self, action: str, **fields: Any) -> Any:
        """Send one of the ten operations; a CALLERROR raises."""
        return await self.call(getattr(call, action)(**fields), suppress=False)

    async def boot(self) -> Any:
        """Boot as the paper's table 2 does."""
        return await self.ask(
            "BootNotification", charge_point_vendor="VendorA", charge_point_model="SingleSocketCharger"
        )


@asynccontextmanager
async def connected(url: str, identity: str, password: str, **options: Any) -> Any:
    """Connect a station; its reading loop ends with the block."""
    token = base64.b64encode(f"{identity}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {token}"} if password else {}
    options = {"subprotocols": ["ocpp1.6"], "proxy": None, "ping_interval": None} | options
    async with websockets.connect(f"{url}/{identity}", additional_headers=headers, **options) as websocket:
        station = Station(identity, websocket)
        reading = asyncio.create_task(_read(station))
        try:
            yield station
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read(station: Station) -> None:
    try:
        await station.start()
    except websockets.ConnectionClosed:
        return
