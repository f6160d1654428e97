"""The WebSocket server in this process, with what goes wrong behind it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import websockets

from contract.events import ChargePointConnected, ChargePointDisconnected
from edge.central_system.connection import GOING_AWAY, TRY_AGAIN_LATER, Desk
from edge.central_system.server import CentralSystem, Listener
from edge.central_system.station_security import Door
from edge.domain.policy import Policy
from edge.domain.registration import UnknownChargePoints
from edge.errors import CallFailedError, CallTimeoutError, TooLateError
from edge.operations.from_charge_point import ROUTES, salvage
from edge.store import charge_points, enrolment
from edge.store import writer as writer_module
from edge.store.database import connect
from edge.store.readers import Readers
from edge.store.writer import Writer
from tests.integration.edge.played_site import CP1, NOON, Disk, PlayedSite, SetClock

SOON_S = 20.0
START = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"}


class House:
    """A central system and the site that reads what it committed."""

    def __init__(self, site: PlayedSite, central_system: CentralSystem, writer: Writer, disk: Disk, key: str) -> None:
        self.site = site
        self.disk = disk
        self.central_system = central_system
        self.writer = writer
        self.key = key

    def connect(self, identity: str = CP1) -> websockets.connect:
        return websockets.connect(
            f"ws://{identity}:{self.key}@127.0.0.1:{self.central_system.port}/ocpp/{identity}", proxy=None
        )

    async def gone(self) -> None:
        async with asyncio.timeout(SOON_S):
            while self.central_system.registry.connected():
                await asyncio.sleep(0.01)


@pytest.fixture
async def house(blank: Path, tmp_path: Path) -> AsyncIterator[House]:
    path = tmp_path / "edge.db"
    site = PlayedSite.create(blank, path)
    key = site.write(lambda tx: enrolment.enrol(tx.connection, CP1, lambda length: bytes(range(length)), NOON))
    disk, readers = Disk(connect(path, synchronous="OFF")), Readers(path)
    writer = Writer(disk, SetClock())  # type: ignore[arg-type]
    working = asyncio.create_task(writer.work())
    desk = Desk(writer, SetClock(), Policy(), call_timeout_s=0.3, settle_s=0)
    central_system = CentralSystem(Listener("127.0.0.1", 0), Door(UnknownChargePoints.REFUSE), desk, readers)
    await central_system.open()
    yield House(site, central_system, writer, disk, key)
    await central_system.close()
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    readers.close()
    disk.close()
    site.close()


async def ask(websocket: Any, action: str, payload: Any) -> Any:
    await websocket.send(json.dumps([2, "1", action, payload]))
    async with asyncio.timeout(SOON_S):
        return json.loads(await websocket.recv())


def _fail(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a defect of ours")


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("StartTransaction", START, {"transactionId": 1, "idTagInfo": {"status": "Accepted"}}),
        ("StopTransaction", {"transactionId": 1, "meterStop": 7, "timestamp": START["timestamp"]}, {}),
        ("MeterValues", {"connectorId": 1, "meterValue": []}, {}),
    ],
)
async def test_a_transaction_related_message_is_answered_and_kept_when_its_handler_fails(
    house: House, monkeypatch: pytest.MonkeyPatch, action: str, payload: dict[str, Any], answer: dict[str, Any]
) -> None:
    monkeypatch.setitem(ROUTES, action, _fail)
    async with house.connect() as websocket:
        assert await ask(websocket, action, payload) == [3, "1", answer]
    assert house.site.reasons() == ["its handler failed: RuntimeError"]


async def test_any_other_message_is_kept_and_refused_when_its_handler_fails(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ROUTES, "Authorize", _fail)
    async with house.connect() as websocket:
        assert (await ask(websocket, "Authorize", {"idTag": "TAG"}))[:3] == [4, "1", "InternalError"]
        assert (await ask(websocket, "Heartbeat", {}))[0] == 3
    assert house.site.reasons() == ["its handler failed: RuntimeError"]


async def test_a_connection_that_ends_by_our_own_defect_is_not_listed_any_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ROUTES, "Authorize", _fail)
    monkeypatch.setattr(salvage, "keep", _fail)
    async with house.connect() as websocket:
        await websocket.send(json.dumps([2, "1", "Authorize", {"idTag": "TAG"}]))
        async with asyncio.timeout(SOON_S):
            await websocket.wait_closed()
    await house.gone()
    assert house.central_system.registry.connected() == []


async def test_what_was_not_committed_is_not_answered(house: House) -> None:
    async with house.connect() as websocket:
        assert (await ask(websocket, "Heartbeat", {}))[0] == 3
        house.disk.broken = True
        for message_id in "345":  # it does not wait for its answers
            await websocket.send(json.dumps([2, message_id, "StartTransaction", START]))
        async with asyncio.timeout(SOON_S):
            with pytest.raises(websockets.ConnectionClosed):
                await websocket.recv()
    assert websocket.close_code == TRY_AGAIN_LATER
    assert house.site.transactions() == []
    await house.gone()


async def test_a_record_that_was_not_committed_is_taken_after_the_repair(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "PROBE_INTERVAL_S", 0.01)
    house.disk.broken = True
    probing = asyncio.create_task(house.writer.probe())
    with contextlib.suppress(websockets.ConnectionClosed):
        async with house.connect() as websocket:
            await ask(websocket, "StartTransaction", START)
    house.disk.broken = False
    async with asyncio.timeout(SOON_S):
        while not house.writer.healthy:
            await asyncio.sleep(0.01)
    async with house.connect() as websocket:
        assert (await ask(websocket, "StartTransaction", START))[2]["transactionId"] == 1
    probing.cancel()


async def test_coming_and_going_are_recorded_once_however_often_a_connection_is_replaced(house: House) -> None:
    async with house.connect() as first:
        await ask(first, "Heartbeat", {})
        async with house.connect() as second:
            await ask(second, "Heartbeat", {})
            await first.wait_closed()
    await house.gone()
    async with asyncio.timeout(SOON_S):
        while not house.site.events(ChargePointDisconnected):
            await asyncio.sleep(0.01)
    assert len(house.site.events(ChargePointConnected)) == 2
    assert len(house.site.events(ChargePointDisconnected)) == 1


async def test_while_the_store_is_unwell_charge_points_are_told_to_come_later(house: House) -> None:
    house.writer.healthy = False
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with house.connect():
            pass
    assert caught.value.response.status_code == 503
    assert int(caught.value.response.headers["Retry-After"]) > 0


async def test_a_charge_point_is_heard_and_seen(house: House) -> None:
    async with house.connect() as websocket:
        await ask(websocket, "Heartbeat", {})
    known = charge_points.find(house.site.connection, CP1)
    assert known is not None
    assert known.last_seen_at == "2026-03-01T12:00:00.000Z"


@pytest.mark.parametrize("answered", [(False, False, True, False, False), (False, False, False)])
async def test_three_unanswered_calls_in_a_row_close_the_connection_and_an_answer_forgives(
    house: House, *, answered: tuple[bool, ...]
) -> None:
    async with house.connect() as websocket:
        await ask(websocket, "Heartbeat", {})
        for answers in answered:
            asking = asyncio.ensure_future(house.central_system.registry.call(CP1, "ClearCache", {}))
            theirs = json.loads(await websocket.recv())
            if answers:
                await websocket.send(json.dumps([3, theirs[1], {"status": "Accepted"}]))
                assert await asking == {"status": "Accepted"}
            else:
                with pytest.raises(CallTimeoutError):
                    await asking
        if answered[-3:] == (False, False, False):
            await asyncio.wait_for(websocket.wait_closed(), SOON_S)
            assert websocket.close_code == GOING_AWAY
        else:
            assert (await ask(websocket, "Heartbeat", {}))[0] == 3


async def test_a_very_long_stop_is_taken_and_a_longer_message_closes_its_connection(house: House) -> None:
    sampled = [{"timestamp": START["timestamp"], "sampledValue": [{"value": "1"} for _ in range(300_000)]}]
    stop = {"transactionId": -1, "meterStop": 1, "timestamp": START["timestamp"], "transactionData": sampled}
    async with house.connect() as websocket:
        assert await ask(websocket, "StopTransaction", stop) == [3, "1", {}]
        with contextlib.suppress(websockets.ConnectionClosed):
            await websocket.send([" " * 1024 * 1024] * 9)
        await asyncio.wait_for(websocket.wait_closed(), SOON_S)
        assert websocket.close_code == 1009


async def test_a_call_in_time_is_sent_and_one_too_late_is_not(house: House) -> None:
    async with house.connect() as websocket:
        await ask(websocket, "Heartbeat", {})
        with pytest.raises(TooLateError):
            await house.central_system.registry.call(CP1, "Reset", {}, may_send=lambda: False)
        asking = asyncio.ensure_future(house.central_system.registry.call(CP1, "ClearCache", {}))
        assert json.loads(await websocket.recv())[2] == "ClearCache"
        await websocket.send('[3,"gardu-1",[]]')
        with pytest.raises(CallFailedError, match="no object"):
            await asking
