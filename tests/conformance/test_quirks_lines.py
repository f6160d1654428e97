"""Rows of `quirks.yaml` whose symptom is one of the line: pings, silence, and calls that come at the wrong moment."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

from edge.clock import Clock
from edge.operations.remote_starts import RemoteStarts
from edge.operations.to_charge_point.operator import Operator
from edge.store.frame_blocks import Direction
from edge.upkeep.polling import Polling
from edge.upkeep.visit import Choices, Tools
from tests.conformance.test_quirks_absence import ORDINARY, boot, example
from tests.harness.central import Central, central
from tests.harness.wire import Wire

SOON_S = 60.0


class FastClock(Clock):
    """A minute of it takes ten seconds."""

    def monotonic(self) -> float:
        return super().monotonic() * 6


class Pinged(ClientConnection):
    """Counts the pings that come."""

    pings = 0

    def process_event(self, event: Any) -> None:
        self.pings += isinstance(event, Frame) and event.opcode is Opcode.PING
        super().process_event(event)


def swallow_pongs(websocket: ClientConnection) -> None:
    """Let this client swallow the pongs that its library would send."""
    send_frame = websocket.protocol.send_frame

    def send_all_but_pongs(frame: Frame) -> None:
        if frame.opcode is not Opcode.PONG:
            send_frame(frame)

    websocket.protocol.send_frame = send_all_but_pongs  # type: ignore[method-assign]


async def dial(house: Central, identity: str) -> Pinged:
    url, headers = await house.door(identity)
    websocket = await websockets.connect(
        url,
        additional_headers=headers,
        subprotocols=["ocpp1.6"],  # type: ignore[list-item]
        proxy=None,
        ping_interval=None,
        create_connection=Pinged,
    )
    assert isinstance(websocket, Pinged)
    return websocket


async def test_one_that_never_answers_a_ping_stays_while_it_is_heard(tmp_path: Path) -> None:
    async with central(tmp_path, ping_interval_s=0.4, heartbeat_interval_s=1) as house:
        websocket = await dial(house, "CP")
        swallow_pongs(websocket)
        wire = Wire(websocket)
        await boot(wire, example("en-plus-ac7000"))
        while websocket.pings < 6:  # twice as long as a charge point that pongs is borne in silence
            assert (await wire.call("Heartbeat", {}))[0] == 3
            await asyncio.sleep(0.2)
        assert house.connected("CP")
        await websocket.close()


async def test_one_that_drops_quiet_connections_is_pinged_more_often(tmp_path: Path) -> None:
    """Every 30 s by its row, while the site pings every 600; the clock of the edge runs six times as fast here."""
    async with central(tmp_path, clock=FastClock(), ping_interval_s=600, heartbeat_interval_s=3600) as house:
        quiet, ordinary = await dial(house, "QUIET"), await dial(house, "ORDINARY")
        await boot(Wire(quiet), example("morek-timxon"))
        await boot(Wire(ordinary), ORDINARY)
        await house.until(lambda: quiet.pings > 0, SOON_S)
        assert ordinary.pings == 0
        await quiet.close()
        await ordinary.close()


async def test_one_that_blocks_when_it_is_triggered_is_given_a_minute(tmp_path: Path) -> None:
    """After a reconnect its states are asked for; all together, then one by one, a minute apart."""
    asked: dict[str, list[dict[str, Any]]] = {}
    async with central(tmp_path, refresh_s=0.1) as house:
        for identity, who in (("BLOCKS", example("mennekes-amtron-4you")), ("ORDINARY", ORDINARY)):
            asked[identity] = []
            async with await house.charge_point(identity) as wire:
                await boot(wire, who)
                for connector in (1, 2, 3):
                    state = {"connectorId": connector, "errorCode": "NoError", "status": "Available"}
                    await wire.result("StatusNotification", state)
            await house.until(lambda identity=identity: not house.connected(identity))  # type: ignore[misc]
        blocks, ordinary = await dial(house, "BLOCKS"), await dial(house, "ORDINARY")
        answering = [
            asyncio.create_task(answer(websocket, asked[identity]))
            for identity, websocket in (("BLOCKS", blocks), ("ORDINARY", ordinary))
        ]
        await house.until(lambda: len(asked["ORDINARY"]) == 4 and len(asked["BLOCKS"]) == 2, SOON_S)
        await asyncio.sleep(0.5)  # five pauses of the refresher: the third trigger would have come
        assert [one.get("connectorId") for one in asked["ORDINARY"]] == [None, 1, 2, 3]
        assert [one.get("connectorId") for one in asked["BLOCKS"]] == [None, 1]
        for task in answering:
            task.cancel()
        await blocks.close()
        await ordinary.close()


async def answer(websocket: ClientConnection, asked: list[dict[str, Any]]) -> None:
    """Accept every call, and tell no state."""
    async for text in websocket:
        frame = json.loads(text)
        if frame[0] == 2:
            asked.append(frame[3])
            await websocket.send(json.dumps([3, frame[1], {"status": "Accepted"}]))


@pytest.mark.parametrize("row", ["wallbox-boot", "webasto-next"])
async def test_one_that_bears_no_call_before_its_boot_is_called_after_it(tmp_path: Path, row: str) -> None:
    """It comes back and says nothing; a call waits for its boot, where an ordinary one is called at once."""
    who = example(row)
    async with central(tmp_path) as house:
        for identity, kind in (("WAITS", who), ("ORDINARY", ORDINARY)):
            async with await house.charge_point(identity) as wire:
                await boot(wire, kind)
            await house.until(lambda identity=identity: not house.connected(identity))  # type: ignore[misc]
        waits, ordinary = await dial(house, "WAITS"), await dial(house, "ORDINARY")
        asked = {"key": ["HeartbeatInterval"]}
        calls = [
            asyncio.create_task(house.system.registry.call(identity, "GetConfiguration", asked))
            for identity in ("WAITS", "ORDINARY")
        ]
        heard: list[dict[str, Any]] = []
        answering = asyncio.create_task(answer(ordinary, heard))
        await calls[1]
        assert heard == [asked]
        vendor, model, firmware = who
        said = {"chargePointVendor": vendor, "chargePointModel": model, "firmwareVersion": firmware}
        await waits.send(json.dumps([2, "b", "BootNotification", said]))
        first = json.loads(await waits.recv())
        booted_at = time.monotonic()
        assert first[:2] == [3, "b"]
        assert first[2]["currentTime"].endswith("Z")
        assert "." in first[2]["currentTime"]
        second = json.loads(await waits.recv())
        assert second[2:] == ["GetConfiguration", asked]
        assert time.monotonic() - booted_at > 1.5
        await waits.send(json.dumps([3, second[1], {"configurationKey": []}]))
        assert await calls[0] == {"configurationKey": []}
        answering.cancel()
        await waits.close()
        await ordinary.close()


@pytest.mark.parametrize("row", ["evbox-elvi"])
async def test_one_that_needs_a_pause_after_its_boot_is_given_it(tmp_path: Path, row: str) -> None:
    async with central(tmp_path) as house, await house.charge_point("CP") as wire:
        vendor, model, firmware = example(row)
        said = {"chargePointVendor": vendor, "chargePointModel": model, "firmwareVersion": firmware}
        sent_at = time.monotonic()
        assert (await wire.result("BootNotification", said))["status"] == "Accepted"
        calling = asyncio.create_task(house.system.registry.call("CP", "GetLocalListVersion", {}))
        _, message_id, action, _ = await wire.frame()
        assert action == "GetLocalListVersion"
        assert time.monotonic() - sent_at >= 2
        await wire.websocket.send(json.dumps([3, message_id, {"listVersion": 0}]))
        assert await calling == {"listVersion": 0}


async def test_no_call_is_sent_while_one_of_theirs_waits_for_its_answer(tmp_path: Path) -> None:
    """As the row of EVerest needs it. The edge's own journal tells in which order it received and sent."""
    journal: list[tuple[Direction, list[Any]]] = []

    def note(_: datetime, __: str, way: Direction, raw: bytes, ___: str | None) -> None:
        journal.append((way, json.loads(raw)))

    async with central(tmp_path, record=note) as house:
        websocket = await dial(house, "CP")
        await boot(Wire(websocket), example("everest"))
        heard: list[dict[str, Any]] = []
        answering = asyncio.create_task(answer(websocket, heard))
        journal.clear()
        for number in range(40):
            await websocket.send(json.dumps([2, f"h{number}", "Heartbeat", {}]))
            calls = [house.system.registry.call("CP", "GetLocalListVersion", {}) for _ in range(3)]
            await asyncio.gather(*calls)
        await house.until(lambda: sum(frame[0] == 3 and way is Direction.SENT for way, frame in journal) == 40)
        answering.cancel()
        await websocket.close()
    theirs: set[str] = set()
    for way, frame in journal:
        if way is Direction.RECEIVED and frame[0] == 2:
            theirs.add(frame[1])
        elif way is Direction.SENT and frame[0] == 3:
            theirs.discard(frame[1])
        elif way is Direction.SENT:
            assert not theirs, frame


async def test_meter_values_are_triggered_only_during_a_transaction_that_is_silent(tmp_path: Path) -> None:
    async with central(tmp_path) as house:
        operator = operates(house)
        tools = Tools(house.writer, house.readers, house.clock, operator.perform, Choices())
        polling = Polling(tools, house.system.registry)
        websocket = await dial(house, "CP")
        wire = Wire(websocket)
        await boot(wire, example("bg-syncev"))
        await wire.result("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        await polling.look()  # idle: nothing may be asked, so that the next frame answers the start
        at = house.clock.now().isoformat()
        start = {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": at}
        number = (await wire.result("StartTransaction", start))["transactionId"]
        sampled = [{"timestamp": at, "sampledValue": [{"value": "1000"}]}]
        values = {"connectorId": 1, "transactionId": number, "meterValue": sampled}
        assert await wire.result("MeterValues", values) == {}
        await polling.look()  # it has just told
        assert (await wire.call("Heartbeat", {}))[0] == 3
        await websocket.close()


def operates(house: Central) -> Operator:
    starts = RemoteStarts(house.writer, house.readers, house.clock, timedelta(minutes=1))
    return Operator(house.system.registry, house.readers, house.writer, starts, house.clock)
