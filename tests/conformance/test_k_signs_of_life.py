"""Which connections live: K12, K13, K14."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

from tests.harness.central import Central, central
from tests.harness.wire import Wire, wired

PING_S = 0.6
HEARTBEAT_S = 1
"""Whole seconds on the wire, so this is the shortest there is."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Central]:
    async with central(tmp_path, ping_interval_s=PING_S, heartbeat_interval_s=HEARTBEAT_S) as house:
        yield house


def never_pong(websocket: ClientConnection) -> None:
    """Let this client swallow the pongs that its library would send."""
    send_frame = websocket.protocol.send_frame

    def send_all_but_pongs(frame: Frame) -> None:
        if frame.opcode is not Opcode.PONG:
            send_frame(frame)

    websocket.protocol.send_frame = send_all_but_pongs  # type: ignore[method-assign]


class Cable:
    """A network between the charge point and the edge that can swallow all packets without closing anything."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cut = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if not self.cut:
                    writer.write(data)
                    await writer.drain()
        writer.close()


@asynccontextmanager
async def a_cable(to_port: int) -> AsyncIterator[tuple[Cable, int]]:
    cable = Cable(to_port)
    server = await asyncio.start_server(cable.carry, "127.0.0.1", 0)
    try:
        yield cable, server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_k12_one_that_never_pongs_but_sends_heartbeats_stays(house: Central) -> None:
    """H: a day in a real network. Here: several times as long as silence is borne."""
    async with await house.charge_point("K12") as wire:
        never_pong(wire.websocket)
        await wire.boot()
        for _ in range(10):
            await asyncio.sleep(PING_S)
            assert (await wire.call("Heartbeat", {}))[0] == 3


async def test_k12_one_that_never_pongs_and_sends_nothing_is_let_go(house: Central) -> None:
    async with await house.charge_point("K12-silent") as wire:
        never_pong(wire.websocket)
        async with asyncio.timeout(30):
            await wire.websocket.wait_closed()
        assert wire.websocket.close_reason == "nothing was heard for too long"


async def test_k13_a_half_open_connection_is_found_within_three_ping_intervals(
    house: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, headers = await house.door("K13")
    async with a_cable(house.system.port) as (cable, port):
        connecting = wired(url.replace(str(house.system.port), str(port)), headers, close_timeout=0.1)
        async with connecting as wire:
            await wire.boot()
            (connection,) = house.system.registry.all()
            await house.until(lambda: connection.pongs)
            found: list[float] = []
            close = connection.close
            loop = asyncio.get_running_loop()

            async def note_and_close(code: int, reason: str) -> None:
                found.append(loop.time())
                await close(code, reason)

            monkeypatch.setattr(connection, "close", note_and_close)
            cable.cut, cut_at = True, loop.time()
            heard_s = house.clock.monotonic() - connection.last_heard
            await house.until(lambda: not house.connected("K13"))
            assert found
            # by the edge's own clock; what a busy machine adds on top is not the rule's fault
            assert found[0] - cut_at + heard_s >= 2 * PING_S
            assert found[0] - cut_at <= 3 * PING_S + 5


async def test_k14_heartbeats_at_the_very_interval_that_was_told_keep_a_connection(house: Central) -> None:
    async with await house.charge_point("K14") as wire:
        never_pong(wire.websocket)
        assert (await wire.boot())["interval"] == HEARTBEAT_S
        for _ in range(6):
            await asyncio.sleep(HEARTBEAT_S)
            assert (await wire.call("Heartbeat", {}))[0] == 3


async def test_k14_any_frame_is_a_sign_of_life_also_a_ping_of_its_own(house: Central) -> None:
    async with await house.charge_point("K14-pings") as wire:
        never_pong(wire.websocket)
        for _ in range(6):
            await asyncio.sleep(HEARTBEAT_S)
            await wire.websocket.ping()
        assert (await Wire(wire.websocket).boot())["status"] == "Accepted"
