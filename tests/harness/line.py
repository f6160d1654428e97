"""A WebSocket line that costs little, for a thousand charge points in one process: one call in flight, read raw.

Frames are masked with a zero key, which RFC 6455 allows, so that sending is a copy. It speaks OCPP-J and nothing else.
"""

from __future__ import annotations

import asyncio
import base64
from functools import partial
from typing import cast
from urllib.parse import quote

import orjson

from tests.benchmarks.wire import TEXT_FRAME, frame

CALL_START, CALL_RESULT_START, CALL_ERROR_START = b"[2,", b"[3,", b"[4,"


class Line(asyncio.Protocol):
    """One connection of one charge point.

    `opened` is settled by the opening handshake: an error where it was refused. A call of the central system is
    answered with NotSupported: a load has no business with it, but silence would cost the connection.
    """

    def __init__(self, port: int, identity: str, password: str) -> None:
        token = base64.b64encode(f"{identity}:{password}".encode()).decode()
        self._upgrade = (
            f"GET /ocpp/{quote(identity)} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {base64.b64encode(b'0123456789abcdef').decode()}\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Basic {token}\r\n\r\n"
        ).encode()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = b""
        self._answered: asyncio.Future[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None

    @classmethod
    async def open(cls, port: int, identity: str, password: str, within_s: float) -> Line:
        """Connect and upgrade.

        Raises:
            OSError: nobody listens, the upgrade was refused, or it took too long.
        """
        async with asyncio.timeout(within_s):
            factory = partial(cls, port, identity, password)
            _, line = await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", port)
            try:
                await line.opened
            except BaseException:
                line.cut()
                raise
            return line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(self._upgrade)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio calls it so
        self._transport = None
        for waiting in (self.opened, self._answered):
            if waiting is not None and not waiting.done():
                waiting.set_exception(ConnectionResetError("the connection ended"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.opened.done():
            self._finish_upgrade()
            return
        self._take_all()

    def call(self, message_id: str, action: str, payload: bytes) -> asyncio.Future[bytes]:
        """Send a call; the future gives the frame that answers it, or the connection's end as an OSError."""
        self._answered = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            self._answered.set_exception(ConnectionResetError("the connection ended"))
        else:
            self._transport.write(frame(b'[2,"%b","%b",%b]' % (message_id.encode(), action.encode(), payload)))
        return self._answered

    def cut(self) -> None:
        """Hang up without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _finish_upgrade(self) -> None:
        head, blank, rest = self._buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        self._buffer = rest
        if head.startswith(b"HTTP/1.1 101"):
            self.opened.set_result(None)
            self._take_all()
        else:
            self.opened.set_exception(ConnectionRefusedError(head.decode(errors="replace").partition("\r\n")[0]))

    def _take_all(self) -> None:
        while (payload := self._take()) is not None:
            if payload.startswith((CALL_RESULT_START, CALL_ERROR_START)):
                if self._answered is not None and not self._answered.done():
                    self._answered.set_result(payload)
            elif payload.startswith(CALL_START) and self._transport is not None:
                refusal = [4, orjson.loads(payload)[1], "NotSupported", "", {}]
                self._transport.write(frame(orjson.dumps(refusal)))

    def _take(self) -> bytes | None:
        """Take the next text frame out of the buffer; pings and the closing frame are passed over."""
        while len(self._buffer) >= 2:
            kind, size, start = self._buffer[0], self._buffer[1], 2
            if size == 126:
                size, start = int.from_bytes(self._buffer[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(self._buffer[2:10], "big"), 10
            if len(self._buffer) < start + size:
                return None
            payload, self._buffer = self._buffer[start : start + size], self._buffer[start + size :]
            if kind == TEXT_FRAME:
                return payload
        return None
