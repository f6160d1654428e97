"""However a charge point's bytes are cut, its messages are heard whole, once, and in their order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode

from edge.central_system.line import Line, framed, span

TEXTS = st.lists(st.binary(max_size=70_000) | st.binary(max_size=40), min_size=1, max_size=6)


def masked(payload: bytes, opcode: Opcode = Opcode.TEXT, *, final: bool = True) -> bytes:
    return Frame(opcode, payload, fin=final).serialize(mask=True)


@asynccontextmanager
async def opened() -> AsyncIterator[Line]:
    """A line as the library makes it, after its opening handshake."""
    lines: asyncio.Queue[Line] = asyncio.Queue()

    async def attend(websocket: ServerConnection) -> None:
        lines.put_nowait(cast("Line", websocket))
        await websocket.wait_closed()

    async with serve(attend, "127.0.0.1", 0, create_connection=Line, compression=None, ping_interval=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/CP-1", proxy=None, ping_interval=None):
            yield await lines.get()


async def heard(line: Line, pieces: list[bytes], *, patience: list[bool] | None = None) -> list[bytes]:
    """Feed `pieces`; the listener takes or refuses in turn as `patience` says, and a reader takes what is left."""
    messages: list[bytes] = []
    turns = list(patience or [])

    def listener(message: bytes) -> bool:
        if turns and not turns.pop(0):
            return False
        messages.append(message)
        return True

    async def read() -> None:
        while True:
            messages.append(await line.next())
            line.taken()

    line.listener = listener
    reader = asyncio.create_task(read())
    for piece in pieces:
        line.data_received(piece)
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    line.listener = None
    return messages


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    return [stream[first:last] for first, last in pairwise(edges)]


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, places=st.lists(st.integers(0, 500_000), max_size=5), patience=st.lists(st.booleans(), max_size=6))
def test_any_cut_gives_the_same_messages(texts: list[bytes], places: list[int], patience: list[bool]) -> None:
    async def scenario() -> list[bytes]:
        async with opened() as line:
            stream = b"".join(masked(text) for text in texts)
            return await heard(line, cut(stream, places), patience=patience)

    assert asyncio.run(scenario()) == texts


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
async def test_a_frame_in_one_piece_is_heard_without_the_queue(size: int) -> None:
    async with opened() as line:
        messages: list[bytes] = []

        def listener(message: bytes) -> bool:
            messages.append(message)
            return True

        line.listener = listener
        line.data_received(masked(b"x" * size))
        line.listener = None
    assert messages == [b"x" * size]


async def test_fragments_pings_and_binary_messages_keep_their_order() -> None:
    async with opened() as line:
        pieces = [
            masked(b"one"),
            masked(b"tw", final=False),
            masked(b"are you there?", Opcode.PING),
            masked(b"o", Opcode.CONT),
            masked(b"three", Opcode.BINARY),
            masked(b"four"),
        ]
        assert await heard(line, pieces) == [b"one", b"two", b"three", b"four"]


async def test_after_a_close_nothing_is_heard() -> None:
    async with opened() as line:
        assert await heard(line, [masked(b"one"), masked(b"\x03\xe8", Opcode.CLOSE), masked(b"two")]) == [b"one"]


@pytest.mark.parametrize("data", [b"", b"\x81", b"\x81\x02hi", b"\x81\x85\x00\x00\x00\x00hell", b"\x81\xfe\x00"])
def test_what_is_no_whole_masked_frame_is_left_to_the_library(data: bytes) -> None:
    assert span(data)[1] != len(data)


def test_the_span_is_that_of_the_payload() -> None:
    data: Any = masked(b"hello")
    start, end = span(data)
    assert (start, end) == (6, 11)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 70_000])
def test_a_message_is_framed_as_the_library_does_it(size: int) -> None:
    assert framed(b"x" * size) == Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)
