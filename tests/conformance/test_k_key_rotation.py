"""K18: a new key, and a login whatever breaks in between ("Improved security for OCPP 1.6-J" A01).

What a charge point's flash does at a power cut is as far as simulation goes: it comes back with the old key or the new.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import websockets

from tests.harness.plain_http import PLAIN
from tests.harness.processes import Edge
from tests.harness.station import Station, connected
from tests.harness.wire import Wire, basic, wired


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    edge = Edge.create(tmp_path_factory.mktemp("edge"), CENTRAL_SYSTEM__CALL_TIMEOUT_S="2")
    with edge.start():
        yield edge


async def rotate(edge: Edge, charge_point: str) -> httpx.Response:
    async with httpx.AsyncClient(
        verify=PLAIN, base_url=f"http://127.0.0.1:{edge.api_port}/api/v1", timeout=60, trust_env=False
    ) as api:
        return await api.post(f"/charge-points/{charge_point}/rotate-key")


async def keys_let_in(edge: Edge, charge_point: str) -> int:
    async with httpx.AsyncClient(
        verify=PLAIN, base_url=f"http://127.0.0.1:{edge.api_port}/api/v1", timeout=60, trust_env=False
    ) as api:
        return int((await api.get(f"/charge-points/{charge_point}/security")).json()["keys"])


def sent_key(station: Station) -> str:
    action, request = station.asked[-1]
    assert (action, request["key"]) == ("ChangeConfiguration", "AuthorizationKey")
    key = str(request["value"])
    assert len(bytes.fromhex(key)) == 20
    return key


async def lets_in(edge: Edge, charge_point: str, key: str) -> bool:
    try:
        async with wired(f"{edge.ws_url}/{charge_point}", basic(charge_point, key)) as wire:
            return bool(await wire.result("Heartbeat", {}))
    except websockets.InvalidStatus as error:
        assert error.response.status_code == 401  # noqa: PT017 - either way is an answer
        return False


async def test_k18_after_accepted_the_first_login_with_the_new_key_ends_the_old_one(edge: Edge) -> None:
    old = await asyncio.to_thread(edge.add_charge_point, "TURNS")
    async with connected(edge.ws_url, "TURNS", old) as station:
        await station.boot()
        answer = await rotate(edge, "TURNS")
        new = sent_key(station)
        assert answer.json() == {"status": "Accepted", "keys": 2}
        assert new not in answer.text
    assert await lets_in(edge, "TURNS", old)  # it may not have written the new one yet
    assert await lets_in(edge, "TURNS", new)
    assert not await lets_in(edge, "TURNS", old)
    assert await lets_in(edge, "TURNS", new)
    assert await keys_let_in(edge, "TURNS") == 1


@pytest.mark.parametrize("status", ["Rejected", "NotSupported"])
async def test_k18_a_key_that_is_rejected_is_forgotten_and_the_old_one_stays(edge: Edge, status: str) -> None:
    name = f"REFUSES-{status}"
    old = await asyncio.to_thread(edge.add_charge_point, name)
    async with connected(edge.ws_url, name, old) as station:
        await station.boot()
        station.answers["ChangeConfiguration"] = {"status": status}
        answer = await rotate(edge, name)
        assert answer.json() == {"status": status, "keys": 1}
        new = sent_key(station)
    assert not await lets_in(edge, name, new)
    assert await lets_in(edge, name, old)


async def test_k18_a_charge_point_that_loses_power_before_it_answers_comes_in_with_either_key(edge: Edge) -> None:
    for wrote in (False, True):
        name = f"CUT-{wrote}"
        old = await asyncio.to_thread(edge.add_charge_point, name)
        async with wired(f"{edge.ws_url}/{name}", basic(name, old)) as wire:
            await wire.boot()
            rotating = asyncio.create_task(rotate(edge, name))
            new = (await wire.frame())[3]["value"]
            wire.websocket.transport.abort()
        assert (await rotating).status_code == 504
        assert await lets_in(edge, name, new if wrote else old)
        assert await lets_in(edge, name, old) is not wrote  # once it has shown the new one, only that


async def test_k18_an_edge_that_dies_while_it_sends_the_key_lets_both_in_afterwards(tmp_path: Path) -> None:
    edge = Edge.create(tmp_path)
    with await asyncio.to_thread(edge.start):
        old = await asyncio.to_thread(edge.add_charge_point, "CP1")
        async with wired(f"{edge.ws_url}/CP1", basic("CP1", old)) as wire:
            await wire.boot()
            rotating = asyncio.create_task(rotate(edge, "CP1"))
            new = (await wire.frame())[3]["value"]  # it is at the charge point, so it must be in the store
            edge.kill()
        with pytest.raises(httpx.TransportError):
            await rotating
        await asyncio.to_thread(edge.start)
        assert await lets_in(edge, "CP1", old)
        assert await lets_in(edge, "CP1", new)
        assert not await lets_in(edge, "CP1", old)


async def test_k18_a_key_that_is_changed_by_the_plain_operation_is_kept_too(edge: Edge) -> None:
    old = await asyncio.to_thread(edge.add_charge_point, "BYHAND")
    new = "AB" * 20
    async with connected(edge.ws_url, "BYHAND", old) as station:
        await station.boot()
        async with httpx.AsyncClient(
            verify=PLAIN, base_url=f"http://127.0.0.1:{edge.api_port}", trust_env=False
        ) as api:
            answer = await api.post(
                "/api/v1/central-system/clients/BYHAND/change-configuration",
                json={"key": "AuthorizationKey", "value": new},
            )
        assert answer.json() == {"status": "Accepted"}
    assert await lets_in(edge, "BYHAND", new)
    assert not await lets_in(edge, "BYHAND", old)


async def test_k18_keys_that_are_never_used_do_not_pile_up(edge: Edge) -> None:
    key = await asyncio.to_thread(edge.add_charge_point, "SILENT")
    async with wired(f"{edge.ws_url}/SILENT", basic("SILENT", key)) as wire:
        await wire.boot()
        statuses = [(await _with_an_error(wire, edge)).status_code for _ in range(7)]
    assert statuses == [502] * 5 + [409] * 2
    assert await lets_in(edge, "SILENT", key)


async def test_k18_a_key_for_a_charge_point_that_is_away_is_not_kept(edge: Edge) -> None:
    await asyncio.to_thread(edge.add_charge_point, "AWAY")
    assert [(await rotate(edge, "AWAY")).status_code for _ in range(7)] == [409] * 7
    assert (await rotate(edge, "AWAY")).json()["type"] == "urn:gardu:problem:not-connected"
    assert await keys_let_in(edge, "AWAY") == 1


async def _with_an_error(wire: Wire, edge: Edge) -> httpx.Response:
    rotating = asyncio.create_task(rotate(edge, "SILENT"))
    framed = asyncio.create_task(wire.frame())
    await asyncio.wait([rotating, framed], return_when=asyncio.FIRST_COMPLETED)
    if framed.done():
        await wire.websocket.send(f'[4,"{framed.result()[1]}","InternalError","",{{}}]')
    framed.cancel()
    return await rotating
