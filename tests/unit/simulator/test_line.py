"""The line that the demo cuts and heals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from simulator.demo.line import Cut, Line


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """A line to a server that echoes."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1024):
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Line("127.0.0.1", server.sockets[0].getsockname()[1]) as opened:
        yield opened


async def ask(line: Line, text: bytes = b"hello", timeout_s: float = 1) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    try:
        writer.write(text)
        return await asyncio.wait_for(reader.read(100), timeout_s)
    finally:
        writer.close()


async def test_whole_line_passes_bytes_both_ways(line: Line) -> None:
    assert await ask(line) == b"hello"


async def test_cut_resets_what_is_open_and_what_comes_and_healing_lets_it_pass(line: Line) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    writer.write(b"1")
    assert await reader.read(1) == b"1"
    line.cut(Cut.RESET)
    assert line.is_cut
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(1), 1)
    writer.close()
    with pytest.raises(ConnectionError):
        await ask(line)
    line.heal()
    assert await ask(line) == b"hello"


async def test_black_hole_swallows_in_silence_and_delivers_after_healing(line: Line) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    writer.write(b"1")
    assert await reader.read(1) == b"1"
    line.cut(Cut.BLACK_HOLE)
    writer.write(b"2")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.1)
    with pytest.raises(TimeoutError):
        await ask(line, timeout_s=0.1)
    line.heal()
    assert await asyncio.wait_for(reader.read(1), 1) == b"2"
    writer.close()


async def test_line_to_nowhere_resets(line: Line) -> None:
    nowhere = Line("127.0.0.1", 1)
    async with nowhere:
        with pytest.raises(ConnectionError):
            await ask(nowhere)
