"""How charge points come in, stay and come back: real processes, and clients that show every byte."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from tests.conformance.conftest import CHARGE_POINT, Site
from tests.harness.plain_http import PLAIN
from tests.harness.processes import Edge, free_port
from tests.harness.station import Station, connected
from tests.harness.wire import BOOT, basic, wired

SOON_S = 30.0
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


async def refused(url: str, headers: dict[str, str] | None = None, subprotocols: list[str] | None = None) -> Any:
    """Be refused before the upgrade; returns the HTTP response."""
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with wired(url, headers, subprotocols):
            pass
    return caught.value.response


def door(site: Site) -> tuple[str, dict[str, str]]:
    return f"{site.edge.ws_url}/{CHARGE_POINT}", basic(CHARGE_POINT, site.password)


def now() -> str:
    return datetime.now(UTC).isoformat()


# Who may come in.


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["ocpp1.6"], "ocpp1.6"),
        (["ocpp0.1", "ocpp1.6"], "ocpp1.6"),
        (["ocpp2.0.1", "ocpp1.6"], "ocpp1.6"),
        ([], None),
    ],
)
async def test_the_subprotocol_is_ocpp_1_6_or_none_when_none_was_named(
    site: Site, offered: list[str], chosen: str | None
) -> None:
    async with wired(*door(site), offered) as wire:
        assert wire.websocket.subprotocol == chosen
        assert wire.websocket.response is not None
        assert wire.websocket.response.headers.get("Sec-WebSocket-Protocol") == chosen
        assert wire.websocket.response.headers.get("Sec-WebSocket-Extensions") is None
        assert (await wire.result("BootNotification", BOOT))["status"] == "Accepted"


@pytest.mark.parametrize("offered", [["ocpp0.1"], ["ocpp2.0.1"]])
async def test_other_subprotocols_alone_are_refused(site: Site, offered: list[str]) -> None:
    assert (await refused(*door(site), offered)).status_code == 400


async def test_the_key_may_come_as_digits_of_either_case_or_as_bytes(site: Site) -> None:
    url, _ = door(site)
    for key in (site.password, site.password.upper(), bytes.fromhex(site.password)):
        async with wired(url, basic(CHARGE_POINT, key)) as wire:
            assert (await wire.call("Heartbeat", {}))[0] == 3


async def test_a_wrong_key_is_refused_before_the_upgrade(site: Site) -> None:
    url, _ = door(site)
    for headers in (
        None,
        basic(CHARGE_POINT, "wrong"),
        basic("OTHER", site.password),
        basic(CHARGE_POINT, site.password + " "),
        {"Authorization": "Bearer " + site.password},
        {"Authorization": "Basic !!!"},
    ):
        response = await refused(url, headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("path", ["/ocpp/NOBODY", "/", "/ocpp/A%2FB", "/ocpp/%00", f"/{CHARGE_POINT.lower()}x"])
async def test_an_unknown_charge_point_is_not_found_and_leaves_no_trace(
    site: Site, api: httpx.AsyncClient, path: str
) -> None:
    response = await refused(f"ws://127.0.0.1:{site.edge.central_system_port}{path}", basic("NOBODY", "x"))
    assert response.status_code == 404
    known = [one["charge_point"] for one in (await api.get("charge-points")).json()["items"]]
    assert "NOBODY" not in known


async def test_an_unknown_charge_point_waits_until_it_is_accepted_and_returns_with_its_key(tmp_path: Path) -> None:
    edge = Edge.create(tmp_path, CENTRAL_SYSTEM__UNKNOWN_CHARGE_POINTS="pending")
    with await asyncio.to_thread(edge.start):
        url = f"{edge.ws_url}/NEW"
        async with wired(url) as wire:
            answer = await wire.result("BootNotification", BOOT)
            assert (answer["status"], answer["interval"] > 0) == ("Pending", True)
            for action, payload in (
                ("Heartbeat", {}),
                ("StatusNotification", STATUS),
                ("Authorize", {"idTag": "A"}),
                ("StartTransaction", {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": now()}),
            ):
                assert (await wire.call(action, payload))[2] == "SecurityError"
        async with wired(url) as wire:  # it comes back as it went
            assert (await wire.result("BootNotification", BOOT))["status"] == "Pending"
            key = await asyncio.to_thread(edge.add_charge_point, "NEW")
            # Accepted, but this connection never showed the key: it ends, and its holder must come with the key.
            with pytest.raises(websockets.ConnectionClosed):
                await wire.result("BootNotification", BOOT)
        assert (await refused(url)).status_code == 401
        async with wired(url, basic("NEW", key)) as wire:
            assert (await wire.result("BootNotification", BOOT))["status"] == "Accepted"
            assert await wire.result("StatusNotification", STATUS) == {}


# Two connections of one identity.


async def test_the_newest_connection_wins_and_the_end_of_the_old_one_does_not_touch_it(
    site: Site, api: httpx.AsyncClient
) -> None:
    async with connected(site.edge.ws_url, CHARGE_POINT, site.password) as old:
        await old.boot()
        async with connected(site.edge.ws_url, CHARGE_POINT, site.password) as new:
            await new.ask("Heartbeat")
            async with asyncio.timeout(SOON_S):
                await old.websocket.wait_closed()
            assert old.websocket.close_code == 1001
            assert "newer" in str(old.websocket.close_reason)
            assert (await api.get("central-system/clients")).json() == [CHARGE_POINT]
            answer = await api.post(f"central-system/clients/{CHARGE_POINT}/clear-cache", json={})
            assert answer.json() == {"status": "Accepted"}
            assert (old.asked, new.asked) == ([], [("ClearCache", {})])
    await _gone(api)


async def test_a_second_connection_without_the_key_disturbs_nothing(site: Site, station: Station) -> None:
    url, _ = door(site)
    for _ in range(5):
        assert (await refused(url, basic(CHARGE_POINT, "wrong"))).status_code in (401, 429)
    assert station.websocket.close_code is None
    assert (await station.ask("Heartbeat")).current_time


# One connection's life.


async def test_calls_of_both_sides_cross(site: Site, api: httpx.AsyncClient) -> None:
    async with wired(*door(site)) as wire:
        await wire.result("BootNotification", BOOT)
        asking = asyncio.create_task(api.post(f"central-system/clients/{CHARGE_POINT}/clear-cache", json={}))
        theirs = await wire.frame()
        assert theirs[2] == "ClearCache"
        for _ in range(3):
            assert (await wire.call("Heartbeat", {}))[0] == 3
        assert not asking.done()
        await wire.websocket.send(json.dumps([3, theirs[1], {"status": "Accepted"}]))
        assert (await asking).json() == {"status": "Accepted"}


async def test_our_calls_go_one_after_another(site: Site, api: httpx.AsyncClient) -> None:
    async with wired(*door(site)) as wire:
        await wire.result("BootNotification", BOOT)
        path = f"central-system/clients/{CHARGE_POINT}/clear-cache"
        asking = [asyncio.create_task(api.post(path, json={})) for _ in range(3)]
        for _ in asking:
            theirs = await wire.frame()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await wire.websocket.recv()
            await wire.websocket.send(json.dumps([3, theirs[1], {"status": "Accepted"}]))
        assert [(await one).status_code for one in asking] == [200, 200, 200]


async def test_three_unanswered_calls_close_the_connection(site: Site, api: httpx.AsyncClient) -> None:
    async with wired(*door(site)) as wire:
        await wire.result("BootNotification", BOOT)
        path = f"central-system/clients/{CHARGE_POINT}/clear-cache"
        assert [(await api.post(path, json={})).status_code for _ in range(3)] == [504, 504, 504]
        async with asyncio.timeout(SOON_S):
            await wire.websocket.wait_closed()
        assert wire.websocket.close_code == 1001
    await _gone(api)


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "no json",
        "{",
        "[]",
        "7",
        '[9,"1","Heartbeat",{}]',
        '[3,"1",{}]',
        '[4,"1","GenericError","",{}]',
        b"\xff\x00",
    ],
)
async def test_a_frame_that_says_nothing_leaves_the_connection_up(site: Site, frame: str | bytes) -> None:
    async with wired(*door(site)) as wire:
        await wire.result("BootNotification", BOOT)
        await wire.websocket.send(frame)
        assert (await wire.call("Heartbeat", {}))[0] == 3


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        ('[2,"1","Explode",{}]', [4, "1", "NotImplemented"]),
        ('[2,"1","Reset",{"type":"Soft"}]', [4, "1", "NotSupported"]),
        ('[2,"1","Authorize",{}]', [4, "1", "OccurenceConstraintViolation"]),
        ('[2,"1",Authorize,{"idTag":"A"}]', [4, "1", "FormationViolation"]),
        ('[2,"1",7,{}]', [4, "1", "ProtocolError"]),
        ('[2,17,"MeterValues",{}]', [3, 17, {}]),
        ('[2,"1","MeterValues",null]', [3, "1", {}]),
        ('[2,"1","StopTransaction",{"transactionId":-1}]', [3, "1", {}]),
        (f'[2,"{"x" * 60}","StatusNotification",{json.dumps(STATUS)}]', [3, "x" * 60, {}]),
    ],
)
async def test_a_frame_that_can_be_answered_is(site: Site, frame: str, answer: list[Any]) -> None:
    async with wired(*door(site)) as wire:
        await wire.result("BootNotification", BOOT)
        for form in (frame, frame.encode()):
            await wire.websocket.send(form)
            assert (await wire.frame())[:3] == answer


# Restarts, storms, and a cloud that is away.


async def test_a_transaction_survives_a_killed_edge_and_a_reconnect_without_boot(tmp_path: Path) -> None:
    edge = Edge.create(tmp_path)
    with await asyncio.to_thread(edge.start):
        await asyncio.to_thread(edge.add_id_tag, "12345")
        door = (
            f"{edge.ws_url}/{CHARGE_POINT}",
            basic(CHARGE_POINT, await asyncio.to_thread(edge.add_charge_point, "123")),
        )
        start = {"connectorId": 1, "idTag": "12345", "meterStart": 0, "timestamp": now()}
        async with wired(*door) as wire:
            await wire.result("BootNotification", BOOT)
            first = await wire.result("StartTransaction", start)
            await asyncio.to_thread(edge.kill)
        await asyncio.to_thread(edge.start)
        async with wired(*door) as wire:
            assert "currentTime" in await wire.result("Heartbeat", {})
            again = await wire.result("StartTransaction", start)
            assert again["transactionId"] == first["transactionId"]
            assert again["idTagInfo"]["status"] == first["idTagInfo"]["status"] == "Accepted"
            second = await wire.result("StartTransaction", start | {"connectorId": 2, "idTag": "OTHER"})
            assert second["transactionId"] > first["transactionId"]
            stop = {"transactionId": first["transactionId"], "meterStop": 25, "timestamp": now(), "idTag": "12345"}
            assert (await wire.result("StopTransaction", stop))["idTagInfo"]["status"] == "Accepted"
        records = {one["transaction_id"]: one for one in await asyncio.to_thread(edge.items, "/api/v1/transactions")}
    assert len(records) == 2
    assert records[first["transactionId"]]["energy_wh"] == 25
    assert records[second["transactionId"]]["stopped_at"] is None


async def test_two_hundred_charge_points_that_boot_in_the_same_second_all_get_their_answer(site: Site) -> None:
    identities = [f"STORM-{number}" for number in range(200)]
    keys = await asyncio.to_thread(lambda: [site.edge.add_charge_point(identity) for identity in identities])
    gate = asyncio.Event()

    async def arrive(identity: str, key: str) -> float:
        await gate.wait()
        began = time.monotonic()
        async with wired(f"{site.edge.ws_url}/{identity}", basic(identity, key)) as wire:
            assert (await wire.result("BootNotification", BOOT))["status"] == "Accepted"
            for connector in (0, 1):
                assert await wire.result("StatusNotification", STATUS | {"connectorId": connector}) == {}
        return time.monotonic() - began

    arriving = [asyncio.create_task(arrive(*one)) for one in zip(identities, keys, strict=True)]
    await asyncio.sleep(0)
    gate.set()
    async with asyncio.timeout(60):
        waits = await asyncio.gather(*arriving)
    assert len(waits) == 200


async def test_a_cloud_that_is_down_from_the_start_changes_nothing_for_charge_points(tmp_path: Path) -> None:
    edge = Edge.create(tmp_path, cloud_url=f"http://127.0.0.1:{free_port()}", cloud_secret="s" * 32)
    with await asyncio.to_thread(edge.start):
        await asyncio.to_thread(edge.add_id_tag, "12345")
        key = await asyncio.to_thread(edge.add_charge_point, CHARGE_POINT)
        async with wired(f"{edge.ws_url}/{CHARGE_POINT}", basic(CHARGE_POINT, key)) as wire:
            assert (await wire.result("BootNotification", BOOT))["status"] == "Accepted"
            authorized = await wire.result("Authorize", {"idTag": "12345"})
            assert authorized["idTagInfo"]["status"] == "Accepted"
            start = {"connectorId": 1, "idTag": "12345", "meterStart": 0, "timestamp": now()}
            started = await wire.result("StartTransaction", start)
            assert started["idTagInfo"]["status"] == "Accepted"
            stop = {"transactionId": started["transactionId"], "meterStop": 7, "timestamp": now(), "idTag": "12345"}
            assert (await wire.result("StopTransaction", stop))["idTagInfo"]["status"] == "Accepted"
        outbox = await _offline(edge)
    ledger = outbox["streams"]["ledger"]
    assert (ledger["acknowledged"], ledger["head"] >= 3, ledger["depth"]) == (0, True, ledger["head"])
    assert ledger["oldest_unsent"] is not None
    assert outbox["link"]["last_success_at"] is None
    assert outbox["link"]["last_error"]


async def _offline(edge: Edge) -> dict[str, Any]:
    """Wait until the link is told to be offline; returns what /outbox says."""
    base_url = f"http://127.0.0.1:{edge.api_port}/api/v1/"
    async with (
        asyncio.timeout(SOON_S),
        httpx.AsyncClient(verify=PLAIN, base_url=base_url, trust_env=False, timeout=30) as api,
    ):
        while True:
            outbox: dict[str, Any] = (await api.get("outbox")).json()
            if outbox["link"]["state"] == "offline":
                return outbox
            await asyncio.sleep(0.05)


async def _gone(api: httpx.AsyncClient) -> None:
    async with asyncio.timeout(SOON_S):
        while CHARGE_POINT in (await api.get("central-system/clients")).json():
            await asyncio.sleep(0.05)
