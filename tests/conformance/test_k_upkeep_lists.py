"""Local lists in step with the directory (K76), and availability that outlives a boot (K74)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.harness.equipped import SOON_S, Equipment, equipped
from tests.harness.processes import Edge
from tests.harness.station import Station

UPKEEP = {"UPKEEP__LOCAL_LISTS": "true", "UPKEEP__AFTER_BOOT_S": "0", "UPKEEP__TRY_AGAIN_S": "1"}
LISTS = {"LocalAuthListMaxLength": "5", "SendLocalListMaxLength": "2", "LocalAuthListEnabled": "true"}


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with Edge.create(tmp_path_factory.mktemp("edge"), **UPKEEP, UPKEEP__PROVISION="true").start() as edge:
        for number in range(4):
            edge.add_id_tag(f"TAG{number}")
        yield edge


@pytest.fixture
async def api(edge: Edge) -> AsyncIterator[httpx.AsyncClient]:
    base_url = f"http://127.0.0.1:{edge.api_port}/api/v1/"
    async with httpx.AsyncClient(base_url=base_url, timeout=30, trust_env=False) as api:
        yield api


async def boot(station: Station) -> None:
    await station.ask("BootNotification", charge_point_vendor="VendorL", charge_point_model="Lists")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not condition():
            await asyncio.sleep(0.02)


def sent(mine: Equipment) -> list[dict[str, Any]]:
    return [request for action, request in mine.asked if action == "SendLocalList"]


async def test_k76_the_list_comes_in_chunks_is_trimmed_and_follows_the_directory(
    edge: Edge, api: httpx.AsyncClient
) -> None:
    key, mine = await asyncio.to_thread(edge.add_charge_point, "K76"), Equipment(dict(LISTS), most_entries=2)
    async with equipped(edge.ws_url, "K76", key, mine) as station:
        await boot(station)
        await until(lambda: set(mine.local_list) == {"TAG0", "TAG1", "TAG2", "TAG3"})
        assert [one["update_type"] for one in sent(mine)] == ["Full", "Differential"]
        before = len(sent(mine))
        for tag, status in (("TAG4", "Accepted"), ("TAG5", "Accepted"), ("TAG0", "Blocked")):
            await api.put(f"id-tags/{tag}", json={"status": status})
        at = "2026-03-01T12:00:00Z"
        await station.ask("StartTransaction", connector_id=1, id_tag="TAG5", meter_start=0, timestamp=at)
        await api.delete("id-tags/TAG1")
        await until(
            lambda: mine.local_list.get("TAG0", {}).get("status") == "Blocked" and "TAG1" not in mine.local_list
        )
        await until(lambda: set(mine.local_list) == {"TAG0", "TAG2", "TAG3", "TAG4", "TAG5"})
        await mine.wait_for("ClearCache")
        assert all(one["update_type"] == "Differential" for one in sent(mine)[before:])
        await api.put("id-tags/TAG6", json={"status": "Accepted"})  # one too many: who charged stays
        await api.put("id-tags/TAG7", json={"status": "Accepted"})
        seen = mine.count("GetLocalListVersion")
        await mine.wait_for("GetLocalListVersion", seen + 1)
        await until(lambda: len(mine.local_list) == 5 and "TAG5" in mine.local_list)
        assert all(one["list_version"] > 0 for one in sent(mine))
        assert max(len(one["local_authorization_list"]) for one in sent(mine)) <= 2
        versions = [one["list_version"] for one in sent(mine)]
        assert versions == sorted(set(versions))


@pytest.mark.parametrize("answer", ["Failed", "VersionMismatch"])
async def test_k76_a_refused_difference_is_followed_by_a_full_list(
    edge: Edge, api: httpx.AsyncClient, answer: str
) -> None:
    identity = f"K76-{answer}"
    key, mine = (
        await asyncio.to_thread(edge.add_charge_point, identity),
        Equipment(LISTS | {"SendLocalListMaxLength": "9"}),
    )
    async with equipped(edge.ws_url, identity, key, mine) as station:
        await boot(station)
        await until(lambda: mine.list_version > 0)
        mine.list_answers = [answer]
        number = len(sent(mine))
        await api.put(f"id-tags/{answer.upper()}", json={"status": "Accepted"})
        at = "2026-03-01T12:00:00Z"
        await station.ask("StartTransaction", connector_id=1, id_tag=answer.upper(), meter_start=0, timestamp=at)
        await until(lambda: answer.upper() in mine.local_list)
        assert [one["update_type"] for one in sent(mine)[number:]][-1] == "Full"


async def test_k76_a_reported_conflict_and_a_changed_version_are_followed_by_a_full_list(
    edge: Edge, api: httpx.AsyncClient
) -> None:
    del api
    key, mine = (
        await asyncio.to_thread(edge.add_charge_point, "K76-C"),
        Equipment(LISTS | {"SendLocalListMaxLength": "9"}),
    )
    async with equipped(edge.ws_url, "K76-C", key, mine) as station:
        await boot(station)
        await until(lambda: mine.list_version > 0)
        await station.ask("StatusNotification", connector_id=0, error_code="LocalListConflict", status="Available")
        await until(lambda: len(sent(mine)) >= 2)
        assert sent(mine)[-1]["update_type"] == "Full"
        mine.list_version, mine.local_list = 0, {}  # it lost its list
        await boot(station)
        await until(lambda: bool(mine.local_list))
        assert sent(mine)[-1]["update_type"] == "Full"


async def test_k76_a_charge_point_without_local_lists_gets_none(edge: Edge, api: httpx.AsyncClient) -> None:
    key = await asyncio.to_thread(edge.add_charge_point, "K76-N")
    mine = Equipment({"HeartbeatInterval": "300"}, list_version=-1)
    async with equipped(edge.ws_url, "K76-N", key, mine) as station:
        await boot(station)
        await mine.wait_for("GetLocalListVersion")
        async with asyncio.timeout(SOON_S):
            while (await api.get("charge-points/K76-N/configuration")).json()["pending"]:
                await asyncio.sleep(0.05)
    assert sent(mine) == []


@pytest.mark.parametrize("answer", ["Accepted", "Scheduled"])
async def test_k74_what_was_obeyed_is_asked_again_after_a_boot_that_forgot_it(
    edge: Edge, api: httpx.AsyncClient, answer: str
) -> None:
    identity = f"K74-{answer}"
    key, mine = await asyncio.to_thread(edge.add_charge_point, identity), Equipment({"HeartbeatInterval": "300"})
    async with equipped(edge.ws_url, identity, key, mine) as station:
        await boot(station)
        station.answers["ChangeAvailability"] = {"status": answer}
        path = f"central-system/clients/{identity}/change-availability"
        told = await api.post(path, json={"connectorId": 1, "type": "Inoperative"})
        assert told.json() == {"status": answer}
        await station.ask("StatusNotification", connector_id=1, error_code="NoError", status="Available")
        await boot(station)
        assert await mine.wait_for("ChangeAvailability", 2) == {"connector_id": 1, "type": "Inoperative"}
        await station.ask("StatusNotification", connector_id=1, error_code="NoError", status="Unavailable")
        seen = mine.count("GetConfiguration")
        await boot(station)  # now it remembers
        await mine.wait_for("GetConfiguration", seen + 1)
        async with asyncio.timeout(SOON_S):
            while (await api.get(f"charge-points/{identity}/configuration")).json()["pending"]:
                await asyncio.sleep(0.05)
        assert mine.count("ChangeAvailability") == 2


async def test_k74_what_was_refused_is_not_asked_again(edge: Edge, api: httpx.AsyncClient) -> None:
    key, mine = await asyncio.to_thread(edge.add_charge_point, "K74-R"), Equipment({"HeartbeatInterval": "300"})
    async with equipped(edge.ws_url, "K74-R", key, mine) as station:
        await boot(station)
        station.answers["ChangeAvailability"] = {"status": "Rejected"}
        path = "central-system/clients/K74-R/change-availability"
        await api.post(path, json={"connectorId": 1, "type": "Inoperative"})
        await boot(station)
        async with asyncio.timeout(SOON_S):
            while (await api.get("charge-points/K74-R/configuration")).json()["pending"]:
                await asyncio.sleep(0.05)
        assert mine.count("ChangeAvailability") == 1
