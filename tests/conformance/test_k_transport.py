"""URLs, sizes and compression of a charge point's connection."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
import websockets
from websockets.typing import Subprotocol

from tests.conformance.conftest import CHARGE_POINT, Site
from tests.harness.wire import BOOT, SOON_S, basic, wired

AT = "2026-03-01T12:00:00Z"
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/any/path/RDAM%20123", "RDAM 123"),
        ("/CP1", "CP1"),
        ("//CP1", "CP1"),
        ("/ocpp//CP1", "CP1"),
        ("/CP1/", "CP1"),
        ("/CP1//", "CP1"),
        ("/CP1?x", "CP1"),
        ("/CP1?x=/y&z", "CP1"),
        ("/CP1/?x", "CP1"),
        ("/CP1/CP1", "CP1"),
        ("/ocpp/CP1/CP1/", "CP1"),
        ("/%43P1", "CP1"),
        ("/S%C3%BCd", "Süd"),
    ],
)
async def test_k01_the_last_segment_of_any_path_is_the_identity(site: Site, path: str, identity: str) -> None:
    key = await asyncio.to_thread(site.edge.add_charge_point, identity)
    async with wired(f"ws://127.0.0.1:{site.edge.central_system_port}{path}", basic(identity, key)) as wire:
        assert (await wire.boot())["status"] == "Accepted"


def _stop(size: int) -> str:
    """A StopTransaction of at least `size` bytes, as one of several days has it."""
    sample = {"timestamp": AT, "sampledValue": [{"value": "1", "measurand": "Voltage", "unit": "V"}]}
    times = size // len(json.dumps(sample)) + 1
    data = [
        sample | {"timestamp": f"2026-03-01T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}Z"} for n in range(times)
    ]
    payload = {"transactionId": -1, "meterStop": 5, "timestamp": AT, "transactionData": data}
    return json.dumps([2, f"stop-{size}", "StopTransaction", payload])


async def test_k15_a_stop_of_four_mib_is_accepted(site: Site) -> None:
    key = await asyncio.to_thread(site.edge.add_charge_point, "K15")
    async with wired(f"{site.edge.ws_url}/K15", basic("K15", key)) as wire:
        await wire.boot()
        text = _stop(4 * MIB)
        assert len(text) >= 4 * MIB
        await wire.websocket.send(text)
        assert await wire.frame() == [3, f"stop-{4 * MIB}", {}]


async def test_k15_twenty_mib_close_with_1009_and_only_that_connection(site: Site) -> None:
    keys = [await asyncio.to_thread(site.edge.add_charge_point, identity) for identity in ("K15-A", "K15-B")]
    # Not closed by a block: the library trips over a connection that the other side has reset while it was sending.
    too_much = await websockets.connect(
        f"{site.edge.ws_url}/K15-A",
        additional_headers=basic("K15-A", keys[0]),
        subprotocols=[Subprotocol("ocpp1.6")],
        proxy=None,
        ping_interval=None,
    )
    async with wired(f"{site.edge.ws_url}/K15-B", basic("K15-B", keys[1])) as neighbour:
        await neighbour.boot()
        with contextlib.suppress(websockets.ConnectionClosed):  # perhaps it is closed before all is sent
            await asyncio.wait_for(too_much.send("x" * 20 * MIB), SOON_S)
        await asyncio.wait_for(too_much.wait_closed(), SOON_S)
        assert too_much.close_code == 1009
        assert "currentTime" in await neighbour.result("Heartbeat", {})


async def test_k16_no_compression_is_negotiated_for_1_6(site: Site) -> None:
    url, headers = f"{site.edge.ws_url}/{CHARGE_POINT}", basic(CHARGE_POINT, site.password)
    async with wired(url, headers, compression="deflate") as wire:
        request, response = wire.websocket.request, wire.websocket.response
        assert request is not None
        assert response is not None
        assert "permessage-deflate" in request.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in response.headers
        assert (await wire.result("BootNotification", BOOT))["status"] == "Accepted"
