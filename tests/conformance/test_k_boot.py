"""Boot and registration (K31-K34, K36): what a boot is told, and that nothing is asked too early."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import edge.upkeep
from tests.harness.equipped import Equipment, equipped
from tests.harness.processes import Edge
from tests.harness.station import Station, connected

SETTLE_S = 2.0
JITTER_S = 0.1
"""Both times are taken at the charge point's end; the answer may have been a moment longer on its way."""
SOON_S = 40.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    edge = Edge.create(
        tmp_path_factory.mktemp("edge"),
        CENTRAL_SYSTEM__SETTLE_S=str(SETTLE_S),
        CENTRAL_SYSTEM__BOOT_GRACE_S="4",
        UPKEEP__PROVISION="true",
        UPKEEP__LOCAL_LISTS="true",
        UPKEEP__AFTER_BOOT_S="0",
    )
    with edge.start():
        edge.add_id_tag("DRIVER")
        yield edge


@pytest.fixture
async def api(site: Edge) -> AsyncIterator[httpx.AsyncClient]:
    base_url = f"http://127.0.0.1:{site.api_port}/api/v1/"
    async with httpx.AsyncClient(base_url=base_url, timeout=60, trust_env=False) as api:
        yield api


class Timed(Station):
    """Notes when it was first asked for anything."""

    first_asked_at: float | None = None

    def _answer(self, action: str, request: dict[str, Any], **standard: Any) -> Any:
        if self.first_asked_at is None:
            self.first_asked_at = time.monotonic()
        return super()._answer(action, request, **standard)

    async def wait_asked(self) -> float:
        async with asyncio.timeout(SOON_S):
            while self.first_asked_at is None:
                await asyncio.sleep(0.02)
        return self.first_asked_at


async def status_put(api: httpx.AsyncClient, identity: str, status: str) -> str:
    answer = await api.put(f"charge-points/{identity}", json={"registration_status": status, "new_key": True})
    return str(answer.json()["password"])


async def test_k31_an_accepted_charge_point_is_told_its_heartbeat_and_may_do_everything(
    site: Edge, api: httpx.AsyncClient
) -> None:
    key = await status_put(api, "K31-A", "Accepted")
    async with connected(site.ws_url, "K31-A", key) as station:
        boot = await station.boot()
        assert (boot.status, boot.interval) == ("Accepted", 300)
        await station.ask("StatusNotification", connector_id=1, error_code="NoError", status="Available")
        answer = await api.post("central-system/clients/K31-A/start-transaction", json={"idTag": "DRIVER"})
        assert answer.json() == {"status": "Accepted"}


async def test_k31_a_pending_charge_point_may_be_asked_anything_but_to_charge(
    site: Edge, api: httpx.AsyncClient
) -> None:
    key = await status_put(api, "K31-P", "Pending")
    async with connected(site.ws_url, "K31-P", key) as station:
        boot = await station.boot()
        assert boot.status == "Pending"
        assert boot.interval > 0
        path = "central-system/clients/K31-P"
        assert (await api.post(f"{path}/get-configuration", json={})).status_code == 200
        trigger = {"requestedMessage": "BootNotification"}
        assert (await api.post(f"{path}/trigger-message", json=trigger)).status_code == 200
        start = {"idTag": "DRIVER", "connectorId": 1}
        assert (await api.post(f"{path}/start-transaction", json=start)).status_code == 409
        assert (await api.post(f"{path}/stop-transaction", json={"transactionId": 1})).status_code == 409
        assert [action for action, _ in station.asked] == ["GetConfiguration", "TriggerMessage"]
        assert (await station.boot()).status == "Pending"  # the line stays open


async def test_k31_a_rejected_charge_point_is_asked_nothing(site: Edge, api: httpx.AsyncClient) -> None:
    key = await status_put(api, "K31-R", "Rejected")
    async with connected(site.ws_url, "K31-R", key) as station:
        boot = await station.boot()
        assert boot.status == "Rejected"
        assert boot.interval > 0
        answer = await api.post("central-system/clients/K31-R/get-configuration", json={})
        assert answer.status_code == 409
        assert station.asked == []


async def test_k32_no_call_leaves_before_the_boot_is_answered_and_two_seconds_have_passed(
    site: Edge, api: httpx.AsyncClient
) -> None:
    key = await status_put(api, "K32", "Accepted")
    async with connected(site.ws_url, "K32", key, make=Timed) as station:
        asking = asyncio.create_task(api.post("central-system/clients/K32/clear-cache", json={}))
        await asyncio.sleep(0.5)  # an operator is early
        assert station.first_asked_at is None
        await station.boot()
        booted_at = time.monotonic()
        assert await station.wait_asked() - booted_at >= SETTLE_S - JITTER_S
        assert (await asking).json() == {"status": "Accepted"}


async def test_k32_a_silent_charge_point_that_does_not_boot_is_probed_after_the_grace(
    site: Edge, api: httpx.AsyncClient
) -> None:
    key = await status_put(api, "K32-P", "Accepted")
    opened_at = time.monotonic()
    async with connected(site.ws_url, "K32-P", key, make=Timed) as station:
        assert await station.wait_asked() - opened_at >= 4 - JITTER_S
        async with asyncio.timeout(SOON_S):
            while ("GetConfiguration", {"key": ["HeartbeatInterval"]}) not in station.asked:
                await asyncio.sleep(0.02)


async def test_k32_one_that_speaks_of_other_things_first_has_no_boot_to_wait_for(
    site: Edge, api: httpx.AsyncClient
) -> None:
    key = await status_put(api, "K32-S", "Accepted")
    async with connected(site.ws_url, "K32-S", key, make=Timed) as station:
        await station.ask("Heartbeat")
        spoken_at = time.monotonic()
        asking = asyncio.create_task(api.post("central-system/clients/K32-S/clear-cache", json={}))
        assert await station.wait_asked() - spoken_at >= SETTLE_S - JITTER_S
        assert (await asking).status_code == 200


async def test_k33_a_restarted_edge_serves_a_reconnect_without_boot_as_before(tmp_path: Path) -> None:
    edge = Edge.create(tmp_path)
    with await asyncio.to_thread(edge.start):
        await asyncio.to_thread(edge.add_id_tag, "DRIVER")
        key = await asyncio.to_thread(edge.add_charge_point, "K33")
        at = datetime.now(UTC).isoformat()
        async with connected(edge.ws_url, "K33", key) as station:
            await station.boot()
            start = {"connector_id": 1, "id_tag": "DRIVER", "meter_start": 0, "timestamp": at}
            first = await station.ask("StartTransaction", **start)
            await asyncio.to_thread(edge.kill)
        await asyncio.to_thread(edge.start)
        async with connected(edge.ws_url, "K33", key) as station:
            assert (await station.ask("Heartbeat")).current_time
            await station.ask("StatusNotification", connector_id=1, error_code="NoError", status="Charging")
            assert (await station.ask("Authorize", id_tag="DRIVER")).id_tag_info["status"] == "Accepted"
            ended = await station.ask(
                "StopTransaction", transaction_id=first.transaction_id, meter_stop=5, timestamp=at, id_tag="DRIVER"
            )
            assert ended.id_tag_info["status"] == "Accepted"
            second = await station.ask("StartTransaction", **(start | {"meter_start": 5}))
            assert second.transaction_id > first.transaction_id
            assert second.id_tag_info["status"] == "Accepted"


async def test_k34_the_time_that_is_told_is_right_and_has_three_digits_and_a_z(
    site: Edge, api: httpx.AsyncClient
) -> None:
    key = await status_put(api, "K34", "Accepted")
    async with connected(site.ws_url, "K34", key) as station:
        for ask in (station.boot, lambda: station.ask("Heartbeat")):
            before = datetime.now(UTC)
            told = (await ask()).current_time
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told)
            second = timedelta(seconds=1)
            assert before - second <= datetime.fromisoformat(told) <= datetime.now(UTC) + second


async def test_k36_nothing_that_the_edge_does_by_itself_asks_for_a_boot(site: Edge, api: httpx.AsyncClient) -> None:
    key, mine = await status_put(api, "K36", "Accepted"), Equipment({"HeartbeatInterval": "1"})
    async with equipped(site.ws_url, "K36", key, mine) as station:
        await station.ask("Heartbeat")  # never booted: probed, then provisioned
        await mine.wait_for("ChangeConfiguration")
        await station.boot()
        await mine.wait_for("GetConfiguration", mine.count("GetConfiguration") + 1)
    async with equipped(site.ws_url, "K36", key, mine):
        await mine.wait_for("GetConfiguration", mine.count("GetConfiguration") + 1)
    asked = {action for action, _ in mine.asked}
    assert not asked & {"TriggerMessage", "ExtendedTriggerMessage"}


def test_k36_no_automation_names_a_trigger_for_a_boot() -> None:
    for file in Path(next(iter(edge.upkeep.__path__))).glob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "TriggerMessage" not in text or "BootNotification" not in text, file.name
