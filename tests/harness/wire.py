"""A charge point that is nothing but its WebSocket: what the `ocpp` package's client would not send, or would hide."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection

SOON_S = 60.0
BOOT = {"chargePointVendor": "VendorA", "chargePointModel": "SingleSocketCharger"}


class Wire:
    """One WebSocket to an edge."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self._numbers = itertools.count(1)

    async def call(self, action: str, payload: Any) -> list[Any]:
        """Send a call and return the frame that answers it."""
        message_id = f"m{next(self._numbers)}"
        await self.websocket.send(json.dumps([2, message_id, action, payload]))
        frame = await self.frame()
        assert frame[1] == message_id
        return frame

    async def result(self, action: str, payload: Any) -> Any:
        """Send a call and return its good answer."""
        frame = await self.call(action, payload)
        assert frame[0] == 3, frame
        return frame[2]

    async def boot(self, **fields: Any) -> Any:
        """Boot; returns the answer."""
        return await self.result("BootNotification", BOOT | fields)

    async def frame(self) -> list[Any]:
        async with asyncio.timeout(SOON_S):
            frame: list[Any] = json.loads(await self.websocket.recv())
        return frame


def basic(user: str, key: str | bytes) -> dict[str, str]:
    """The header of Basic authentication."""
    key = key.encode() if isinstance(key, str) else key
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + key).decode()}


@asynccontextmanager
async def wired(
    url: str, headers: dict[str, str] | None = None, subprotocols: list[str] | None = None, **options: Any
) -> AsyncIterator[Wire]:
    """Connect; no sub-protocols: `[]`."""
    offered: Any = ["ocpp1.6"] if subprotocols is None else subprotocols or None
    async with websockets.connect(
        url,
        additional_headers=headers,
        subprotocols=offered,
        proxy=None,
        ping_interval=None,
        open_timeout=SOON_S,
        **options,
    ) as websocket:
        yield Wire(websocket)


async def refused(
    url: str, headers: dict[str, str] | None = None, subprotocols: list[str] | None = None, **options: Any
) -> Any:
    """Be refused before the upgrade; returns the HTTP response."""
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with wired(url, headers, subprotocols, **options):
            pass
    return caught.value.response
