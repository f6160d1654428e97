"""Who stays connected, who takes over, and who is let go: K7, K9 to K11."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from tests.harness.processes import Edge
from tests.harness.wire import Wire, basic, refused, wired

SOON_S = 30.0


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    edge = Edge.create(tmp_path_factory.mktemp("edge"))
    with edge.start():
        yield edge


async def door(edge: Edge, identity: str) -> tuple[str, dict[str, str]]:
    key = await asyncio.to_thread(edge.add_charge_point, identity)
    return f"{edge.ws_url}/{identity}", basic(identity, key)


async def state(edge: Edge, identity: str) -> dict[str, Any]:
    def read() -> dict[str, Any]:
        with edge.client() as client:
            shown: dict[str, Any] = client.get(f"/api/v1/charge-points/{identity}").json()
            return shown

    return await asyncio.to_thread(read)


async def alarms(edge: Edge, kind: str) -> list[dict[str, Any]]:
    listed = await asyncio.to_thread(edge.items, "/api/v1/alarms")
    return [alarm for alarm in listed if alarm["kind"] == kind]


async def post(edge: Edge, path: str, body: Any = None) -> Any:
    def ask() -> Any:
        with edge.client() as client:
            return client.post(path, json=body if body is not None else {}).json()

    return await asyncio.to_thread(ask)


async def closed(websocket: ClientConnection, within_s: float = SOON_S) -> tuple[int | None, str | None]:
    async with asyncio.timeout(within_s):
        await websocket.wait_closed()
    return websocket.close_code, websocket.close_reason


# K7: the commissioning window.


async def test_k07_an_unknown_identity_gets_404_while_the_commissioning_window_is_closed(edge: Edge) -> None:
    assert (await refused(f"{edge.ws_url}/NEW-1", basic("NEW-1", "00" * 20))).status_code == 404
    with edge.client() as client:
        assert client.get("/api/v1/commissioning-window").json() == {"open": False, "closes_at": None}
        assert client.get("/api/v1/charge-points/NEW-1").status_code == 404


async def test_k07_an_unknown_identity_waits_pending_while_the_commissioning_window_is_open(edge: Edge) -> None:
    shown = await post(edge, "/api/v1/commissioning-window")
    assert shown["open"]
    assert shown["closes_at"] is not None
    async with wired(f"{edge.ws_url}/NEW-2") as wire:
        assert (await wire.boot())["status"] == "Pending"
        assert (
            await wire.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        )[0] == 4
    with edge.client() as client:
        assert client.delete("/api/v1/commissioning-window").json()["open"] is False
        assert client.get("/api/v1/charge-points/NEW-2").json()["registration_status"] == "Pending"
    assert (await refused(f"{edge.ws_url}/NEW-3")).status_code == 404


# K9, K10: the newest authenticated connection wins.


async def test_k09_a_second_connection_closes_the_first_within_a_second_and_is_served(edge: Edge) -> None:
    at = await door(edge, "K09")
    async with wired(*at) as first, wired(*at) as second:
        assert await closed(first.websocket, within_s=1) == (1001, "a newer connection took over")
        assert (await second.boot())["status"] == "Accepted"
        assert (await second.call("Heartbeat", {}))[0] == 3
        assert (await state(edge, "K09"))["connected"]  # the older one's clean-up took nothing of the newer one


async def test_k10_a_second_connection_without_the_key_never_disturbs_the_first(edge: Edge) -> None:
    url, headers = await door(edge, "K10")
    async with wired(url, headers) as first:
        await first.boot()
        for _ in range(3):
            assert (await refused(url)).status_code == 401
            assert (await refused(url, basic("K10", "ff" * 20))).status_code == 401
        assert (await first.call("Heartbeat", {}))[0] == 3
        assert (await state(edge, "K10"))["connected"]


# K11: two devices with one identity.


async def comes_in(at: tuple[str, dict[str, str]], serial_number: str) -> ClientConnection | None:
    """Connect and boot as one of the twins; `None`: refused with 403."""
    opening = websockets.connect(
        at[0], additional_headers=at[1], subprotocols=[Subprotocol("ocpp1.6")], proxy=None, ping_interval=None
    )
    try:
        websocket = await opening
    except websockets.InvalidStatus as error:
        if error.response.status_code != HTTPStatus.FORBIDDEN:
            raise
        return None
    with contextlib.suppress(websockets.ConnectionClosed):
        await Wire(websocket).boot(chargePointSerialNumber=serial_number)
    return websocket


async def test_k11_two_devices_with_one_identity_are_kept_out_with_one_alarm_until_released(edge: Edge) -> None:
    at, neighbour = await door(edge, "TWIN"), await door(edge, "NEIGHBOUR")
    async with wired(*neighbour) as undisturbed:
        await undisturbed.boot()
        for turn in range(30):
            twin = await comes_in(at, f"serial {turn % 2}")
            if twin is None:
                break
        else:
            pytest.fail("the twins were never kept out")
        assert await comes_in(at, "serial 0") is None
        assert await comes_in(at, "serial 1") is None
        (alarm,) = await alarms(edge, "DuplicateIdentity")
        assert (alarm["charge_point"], alarm["cleared_at"]) == ("TWIN", None)
        assert not (await state(edge, "TWIN"))["connected"]
        assert (await undisturbed.call("Heartbeat", {}))[0] == 3
    assert (await refused(at[0])).status_code == 401  # a stranger does not learn of it
    assert await post(edge, "/api/v1/charge-points/TWIN/release") == {"charge_point": "TWIN", "released": True}
    twin = await comes_in(at, "serial 0")
    assert twin is not None
    await twin.close()
    (alarm,) = await alarms(edge, "DuplicateIdentity")
    assert alarm["cleared_at"] is not None


async def test_k11_one_device_that_comes_back_again_and_again_is_never_taken_for_two(edge: Edge) -> None:
    at = await door(edge, "FLAPPING")
    for _ in range(12):
        websocket = await comes_in(at, "the only one")
        assert websocket is not None
    assert websocket is not None
    await websocket.close()
