"""A load that costs little: WebSocket clients on bare asyncio protocols, one message in flight each.

The frames are masked with a zero key, which RFC 6455 allows, so that sending is a copy; an answer is recognised by its
frame header. Python's WebSocket libraries would cost more than the servers that are measured.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import cast

CALL_RESULT_START = b"[3,"
TEXT_FRAME = 0x81


def frame(payload: bytes) -> bytes:
    """One masked text frame (RFC 6455 §5.2)."""
    size = len(payload)
    head = bytes((TEXT_FRAME, 0x80 | size)) if size < 126 else bytes((TEXT_FRAME, 0xFE)) + size.to_bytes(2, "big")
    return head + bytes(4) + payload


@dataclass
class Tally:
    """What all clients of a run counted."""

    answered: int = 0
    latencies_s: list[float] = field(default_factory=list)
    wrong: list[bytes] = field(default_factory=list)


class Client(asyncio.Protocol):
    """Upgrades, boots, then sends the next message whenever one is answered."""

    def __init__(self, port: int, identity: str, password: str, messages: Callable[[int], bytes], tally: Tally) -> None:
        token = base64.b64encode(f"{identity}:{password}".encode()).decode()
        self._upgrade = (
            f"GET /ocpp/{identity} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(b'0123456789abcdef').decode()}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Basic {token}\r\n\r\n"
        ).encode()
        self._messages = messages
        self._tally = tally
        self._sent = 0
        self._sent_at = 0.0
        self._buffer = b""
        self.booted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.running = False
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's transports are none by inheritance
        self._transport.write(self._upgrade)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._upgrade:
            head, blank, rest = self._buffer.partition(b"\r\n\r\n")
            if blank:
                self._upgrade = b""
                self._buffer = rest
                if not head.startswith(b"HTTP/1.1 101"):
                    self.booted.set_exception(ConnectionError(head.decode(errors="replace")))
                    return
                boot = b'[2,"boot","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]'
                self._write(frame(boot))
            return
        while (payload := self._take()) is not None:
            self._answered(payload)

    def start(self) -> None:
        """Begin to send."""
        self.running = True
        self._next()

    def stop(self) -> None:
        """Hang up."""
        self.running = False
        if self._transport is not None:
            self._transport.abort()

    def _take(self) -> bytes | None:
        """Take the next text frame out of the buffer; pings are passed over."""
        while len(self._buffer) >= 2:
            kind, size, start = self._buffer[0], self._buffer[1], 2
            if size == 126:
                size, start = int.from_bytes(self._buffer[2:4], "big"), 4
            if len(self._buffer) < start + size:
                return None
            payload, self._buffer = self._buffer[start : start + size], self._buffer[start + size :]
            if kind == TEXT_FRAME:
                return payload
        return None

    def _answered(self, payload: bytes) -> None:
        if not self.booted.done():
            self.booted.set_result(None)
            return
        if not self.running:
            return
        if not payload.startswith(CALL_RESULT_START):
            self._tally.wrong.append(payload)
        self._tally.answered += 1
        self._tally.latencies_s.append(time.perf_counter() - self._sent_at)
        self._next()

    def _next(self) -> None:
        self._sent += 1
        self._sent_at = time.perf_counter()
        self._write(frame(self._messages(self._sent)))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


def meter_values(number: int) -> bytes:
    """A MeterValues of three samples, each with a time of its own."""
    at = time.time()
    second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    return (
        f'[2,"m{number}","MeterValues",{{"connectorId":1,"meterValue":[{{'
        f'"timestamp":"{second}.{int(at * 1e6) % 1000000:06d}Z",'
        f'"sampledValue":[{{"value":"{1000 + number}","measurand":"Energy.Active.Import.Register","unit":"Wh"}},'
        '{"value":"7200.0","measurand":"Power.Active.Import","unit":"W"},'
        '{"value":"31.2","measurand":"Current.Import","unit":"A","phase":"L1"}]}]}]'
    ).encode()


def authorize(number: int) -> bytes:
    """An Authorize."""
    return f'[2,"a{number}","Authorize",{{"idTag":"TAG-1"}}]'.encode()


async def run(port: int, keys: dict[str, str], messages: Callable[[int], bytes], seconds: float) -> tuple[Tally, float]:
    """Load the server on `port` with one client per key; returns the tally and messages per second."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    clients = []
    for identity, password in keys.items():
        factory = partial(Client, port, identity, password, messages, tally)
        _, client = await loop.create_connection(factory, "127.0.0.1", port)
        clients.append(client)
    await asyncio.wait_for(asyncio.gather(*(client.booted for client in clients)), 60)
    began = time.perf_counter()
    for client in clients:
        client.start()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - began
    rate = tally.answered / took
    for client in clients:
        client.stop()
    return tally, rate
