"""A line of the herd's: HTTP/1.1 in the fewest steps, one request after the other on each connection, kept alive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from contract.link import STREAM_HEADER
from contract.model import Record
from edge.sync.answers import refusal
from edge.sync.carrier import Conflict, EventRefused, Refused, TooLarge, Unavailable
from edge.sync.signing import SigningKey

PATIENCE_S = 60.0
OK = 200

Answer = TypeVar("Answer", bound=Record)
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    what: str
    method: str
    target: str
    body: bytes = b""
    zipped: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """How one went."""

    what: str
    status: int
    """0: there was no answer."""
    sent_at: float
    """Unix time."""
    took_s: float
    """From the first byte sent to the last one read."""


class Line:
    """The connections of one edge.

    Args:
        port: the cloud's on this machine.
        edge: who asks.
        key: signs each request.
    """

    def __init__(self, port: int, edge: str, key: SigningKey) -> None:
        self.told = list[Told]()
        self._port = port
        self._edge = edge
        self._key = key
        self._idle = list[Connection]()

    async def ask(
        self, asked: Asked, answer: type[Answer]
    ) -> Answer | Conflict | TooLarge | EventRefused | Refused | Unavailable:
        """Ask once. What it means is told by the same function that the edge's carrier uses."""
        request = self._request(asked)
        sent_at, began, status = time.time(), time.monotonic(), 0
        try:
            async with asyncio.timeout(PATIENCE_S), self._connection() as (reader, writer):
                began = time.monotonic()  # the connection stands: from here on it is the cloud's time
                writer.write(request)
                status, headers, content = await _answer(reader)
        except (OSError, EOFError, TimeoutError) as error:
            return Unavailable(f"The cloud cannot be reached: {error!r}")
        finally:
            self.told.append(Told(asked.what, status, sent_at, time.monotonic() - began))
        if status == OK:
            return answer.model_validate_json(content)
        wait = headers.get("retry-after")
        return refusal(status, content, phrase="", retry_after_s=None if wait is None else float(wait))

    def _request(self, asked: Asked) -> bytes:
        token = self._key.token(self._edge, asked.method, asked.target, asked.body, datetime.now(UTC))
        head = f"{asked.method} {asked.target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        if asked.body:
            kind = "application/x-ndjson\r\nContent-Encoding: gzip" if asked.zipped else "application/json"
            head += f"{STREAM_HEADER}: {asked.what}\r\nContent-Type: {kind}\r\nContent-Length: {len(asked.body)}\r\n"
        return head.encode() + b"\r\n" + asked.body

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        while self._idle and self._idle[-1][0].at_eof():  # the cloud has closed it since
            self._idle.pop()[1].close()
        one = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        try:
            yield one
        except BaseException:
            one[1].close()
            raise
        self._idle.append(one)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return int(head[0].split(" ", 2)[1]), headers, await reader.readexactly(int(headers["content-length"]))
