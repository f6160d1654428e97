"""A TCP line that can be cut and healed: the internet connection of one building."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from enum import StrEnum
from typing import Self

_CHUNK_BYTES = 64 * 1024
_CLOSE_WITH_RESET = struct.pack("ii", 1, 0)


class Cut(StrEnum):
    """How a line fails."""

    RESET = "reset"
    """Connections are reset, new ones too: somebody pulled the router's plug."""
    BLACK_HOLE = "black hole"
    """Bytes vanish without a word until the line heals: a dead modem behind a living router."""


class Line:
    """Passes connections on to a target, while it is healthy.

    Args:
        host: The target's address.
        port: The target's port.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._cut: Cut | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server:
            self._server.close()
        self._reset_all()
        self._flows.set()

    @property
    def port(self) -> int:
        """Where the near end listens, on 127.0.0.1."""
        if self._server is None:
            raise RuntimeError("the line is not open yet")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def is_cut(self) -> bool:
        """Whether nothing passes."""
        return self._cut is not None

    def cut(self, how: Cut = Cut.RESET) -> None:
        """Let nothing pass from now on."""
        self._cut = how
        self._flows.clear()
        if how is Cut.RESET:
            self._reset_all()

    def heal(self) -> None:
        """Let everything pass again. Connections that a black hole swallowed live on, as TCP retransmits."""
        self._cut = None
        self._flows.set()

    async def _carry(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        if self._cut is Cut.RESET:
            _reset(near)
            return
        self._writers.add(near)
        far: asyncio.StreamWriter | None = None
        try:
            await self._flows.wait()
            far_reader, far = await asyncio.open_connection(*self._target)
            self._writers.add(far)
            pumps = {
                asyncio.ensure_future(self._pump(near_reader, far)),
                asyncio.ensure_future(self._pump(far_reader, near)),
            }
            await asyncio.wait(pumps)
        except OSError:
            _reset(near)
        finally:
            for writer in (near, far):
                if writer:
                    self._writers.discard(writer)
                    writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                await self._flows.wait()
                writer.write(chunk)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()

    def _reset_all(self) -> None:
        for writer in list(self._writers):
            _reset(writer)
        self._writers.clear()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN, as a line does that is cut."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RESET)
    writer.transport.abort()
