"""A TCP proxy between two processes that does to their connections what bad networks do.

It runs in a thread with an event loop of its own, so that a busy test does not slow it down. A test changes `weather`
and calls `reset`, `refuse` and `accept` at any time; what is under way feels it.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

CHUNK_BYTES = 64 * 1024
ON_THE_WAY_BYTES = 1024 * 1024
"""What a direction holds at most before its sender has to wait: a window, as TCP has one."""
LOOKS_AGAIN_S = 0.02
RETRANSMISSION_S = (0.2, 1.0)
"""How much later a lost packet arrives: TCP sends it again after its time-out, and what follows waits for it."""
NO_LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER with 0 seconds: closing sends RST."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Weather:
    """What happens to the bytes of one direction."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    """The share of chunks that arrive late, as if they had been lost and sent again."""
    slice_bytes: int = CHUNK_BYTES
    """No more than so many bytes arrive at once."""
    bytes_per_s: float = float("inf")
    black_hole: bool = False
    """Nothing arrives. What was sent is kept, as TCP would send it again, until the hole closes."""


CALM = Weather()


@dataclass(eq=False)
class _Connection:
    """The two sockets of one connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter

    def close(self) -> None:
        for writer in (self.client, self.server):
            writer.close()

    def reset(self) -> None:
        for writer in (self.client, self.server):
            connection = writer.get_extra_info("socket")
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            writer.transport.abort()


@dataclass
class _Way:
    """Bytes on their way, each chunk with the instant at which it arrives."""

    chunks: asyncio.Queue[tuple[float, bytes]] = field(default_factory=asyncio.Queue)
    bytes: int = 0
    last_due: float = 0.0


class TcpProxy:
    """Listens on a port of its own and passes on to `target_port`, both on loopback."""

    def __init__(self, target_port: int, *, seed: int = 0) -> None:
        self.up, self.down = CALM, CALM
        """Towards the target, and back."""
        self.connections = 0
        """Accepted so far."""
        self.resets = 0
        self.bytes_passed = 0
        self._target_port = target_port
        self._random = random.Random(seed)
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tcp proxy", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.accept()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self._run(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def weather(self, up: Weather = CALM, down: Weather | None = None) -> None:
        """Change what happens to bytes from now on; without `down` both ways have the same."""
        self.up, self.down = up, up if down is None else down

    def black_hole(self, *, up: bool, down: bool) -> None:
        """Swallow what goes up, or down, or both, until the weather changes."""
        self.up, self.down = replace(self.up, black_hole=up), replace(self.down, black_hole=down)

    def reset(self) -> int:
        """End all connections with RST on both sides; returns how many there were."""
        return self._run(self._reset())

    def refuse(self) -> None:
        """Listen no more: new connections are refused. Those that are open stay."""
        self._run(self._refuse())

    def accept(self) -> None:
        """Listen, on the same port as before."""
        self._run(self._accept())

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _accept(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=CHUNK_BYTES)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _reset(self) -> int:
        count = len(self._open)
        for connection in list(self._open):
            connection.reset()
        self.resets += count
        return count

    async def _finish(self) -> None:
        await self._reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target_port, limit=CHUNK_BYTES)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(writer, to_server)
        self._open.add(connection)
        try:
            async with asyncio.TaskGroup() as group:
                for pump in (
                    *self._pumps(reader, to_server, lambda: self.up),
                    *self._pumps(from_server, writer, lambda: self.down),
                ):
                    group.create_task(pump)
        except* OSError:
            connection.reset()
        finally:
            self._open.discard(connection)
            connection.close()

    def _pumps(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, weather: Callable[[], Weather]
    ) -> tuple[Coroutine[Any, Any, None], Coroutine[Any, Any, None]]:
        way = _Way()
        return self._take(reader, way, weather), self._give(writer, way, weather)

    async def _take(self, reader: asyncio.StreamReader, way: _Way, weather: Callable[[], Weather]) -> None:
        while True:
            while way.bytes > ON_THE_WAY_BYTES:
                await asyncio.sleep(LOOKS_AGAIN_S)
            chunk = await reader.read(min(CHUNK_BYTES, weather().slice_bytes))
            way.bytes += len(chunk)
            way.last_due = max(way.last_due, self._loop.time() + self._delay(weather()))  # TCP keeps the order
            way.chunks.put_nowait((way.last_due, chunk))
            if not chunk:
                return

    async def _give(self, writer: asyncio.StreamWriter, way: _Way, weather: Callable[[], Weather]) -> None:
        while True:
            due, chunk = await way.chunks.get()
            if (pause := due - self._loop.time()) > 0:
                await asyncio.sleep(pause)
            while weather().black_hole:
                await asyncio.sleep(LOOKS_AGAIN_S)
            if not chunk:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(chunk)
            await writer.drain()
            self.bytes_passed += len(chunk)
            way.bytes -= len(chunk)
            if weather().bytes_per_s != float("inf"):
                await asyncio.sleep(len(chunk) / weather().bytes_per_s)

    def _delay(self, weather: Weather) -> float:
        late = self._random.uniform(*RETRANSMISSION_S) if self._random.random() < weather.loss else 0.0
        return weather.latency_s + self._random.uniform(0.0, weather.jitter_s) + late
