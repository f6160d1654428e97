"""The peers: a bare `websockets` echo server, and a central system on the `ocpp` package's own `ChargePoint` class.

Neither stores anything. Run as `python -m tests.benchmarks.servers echo|package PORT`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import uvloop
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.enums import Action, AuthorizationStatus, RegistrationStatus
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

OCPP16 = Subprotocol("ocpp1.6")


async def echo(websocket: ServerConnection) -> None:
    """Send back what comes, with the first digit of a CALLRESULT so that the load recognises it."""
    try:
        async for message in websocket:
            await websocket.send("[3," + str(message)[3:])
    except ConnectionClosed:
        return


class PackageChargePoint(ChargePoint):
    """The `ocpp` package as its documentation shows it."""

    @on(Action.boot_notification)
    def on_boot(self, **_: Any) -> Any:
        now = datetime.now(UTC).isoformat()
        return call_result.BootNotification(current_time=now, interval=300, status=RegistrationStatus.accepted)

    @on(Action.meter_values)
    def on_meter_values(self, **_: Any) -> Any:
        return call_result.MeterValues()

    @on(Action.authorize)
    def on_authorize(self, **_: Any) -> Any:
        return call_result.Authorize(id_tag_info={"status": AuthorizationStatus.accepted})


async def package(websocket: ServerConnection) -> None:
    """Serve one charge point with the package."""
    assert websocket.request is not None
    try:
        await PackageChargePoint(websocket.request.path.rsplit("/", 1)[-1], websocket).start()
    except ConnectionClosed:
        return


async def main(handler: Any, port: int) -> None:
    """Serve until killed."""
    logging.disable(logging.CRITICAL)
    async with serve(handler, "127.0.0.1", port, subprotocols=[OCPP16], compression=None, ping_interval=None):
        print("ready", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main({"echo": echo, "package": package}[sys.argv[1]], int(sys.argv[2])))
