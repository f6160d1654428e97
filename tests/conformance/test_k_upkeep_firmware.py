"""Firmware and diagnostics with the edge's own files (K78). Real charge points install: here it is simulated."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.equipped import SOON_S, Equipment, equipped
from tests.harness.processes import Edge, free_port
from tests.harness.station import Station
from tests.harness.wire import Wire, basic, wired

FILE = b"firmware" * 100_000


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    port = free_port()
    edge = Edge.create(
        tmp_path_factory.mktemp("edge"),
        FILES__URL=f"http://127.0.0.1:{port}",
        FILES__HOST="127.0.0.1",
        FILES__PORT=str(port),
        FILES__FIRMWARE_MAX_MIB="20",
    )
    with edge.start():
        edge.add_id_tag("DRIVER")
        yield edge


@pytest.fixture
async def api(edge: Edge) -> AsyncIterator[httpx.AsyncClient]:
    base_url = f"http://127.0.0.1:{edge.api_port}/api/v1/"
    async with httpx.AsyncClient(base_url=base_url, timeout=60, trust_env=False) as api:
        yield api


@pytest.fixture
async def network() -> AsyncIterator[httpx.AsyncClient]:
    """What charge points reach the edge's files with."""
    async with httpx.AsyncClient(timeout=60, trust_env=False) as network:
        yield network


async def boot(station: Station, model: str, firmware: str) -> None:
    await station.ask(
        "BootNotification", charge_point_vendor="VendorF", charge_point_model=model, firmware_version=firmware
    )


async def uploaded(api: httpx.AsyncClient, version: str) -> str:
    answer = await api.post(
        "firmware",
        params={"name": "update.bin", "version": version},
        content=FILE,
        headers={"Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["sha256"] == hashlib.sha256(FILE).hexdigest()
    return str(answer.json()["firmware"])


async def asked_to_update(wire: Wire) -> None:
    while (await wire.frame())[2] != "UpdateFirmware":
        pass


async def rollout_is(api: httpx.AsyncClient, rollout: str, state: str) -> dict[str, Any]:
    async with asyncio.timeout(SOON_S):
        while True:
            shown: dict[str, Any] = (await api.get(f"rollouts/{rollout}")).json()
            if shown["state"] == state:
                return shown
            await asyncio.sleep(0.05)


async def test_k78_one_canary_first_no_transaction_and_each_verified_by_its_boot(
    edge: Edge, api: httpx.AsyncClient, network: httpx.AsyncClient
) -> None:
    keys = [await asyncio.to_thread(edge.add_charge_point, name) for name in ("K78-1", "K78-2")]
    canary, second = Equipment(), Equipment()
    firmware = await uploaded(api, "2.0")
    async with (
        equipped(edge.ws_url, "K78-1", keys[0], canary) as first_station,
        equipped(edge.ws_url, "K78-2", keys[1], second) as second_station,
    ):
        await boot(first_station, "Updatable", "1.0")
        await boot(second_station, "Updatable", "1.0")
        at = datetime.now(UTC).isoformat()
        running = await first_station.ask(
            "StartTransaction", connector_id=1, id_tag="DRIVER", meter_start=0, timestamp=at
        )
        begun = await api.post(f"firmware/{firmware}/rollouts", json={"model": "Updatable"})
        assert begun.status_code == 201, begun.text
        rollout = begun.json()["rollout"]
        assert (await api.post(f"firmware/{firmware}/rollouts", json={"model": "Updatable"})).status_code == 409
        await asyncio.sleep(2.5)  # two looks of the worker
        assert canary.count("UpdateFirmware") == second.count("UpdateFirmware") == 0
        await first_station.ask(
            "StopTransaction", transaction_id=running.transaction_id, meter_stop=1, timestamp=at, id_tag="DRIVER"
        )
        location = (await canary.wait_for("UpdateFirmware"))["location"]
        assert (await network.get(location)).content == FILE
        part = await network.get(location, headers={"Range": "bytes=8-15"})
        assert (part.status_code, part.content) == (206, b"firmware")
        for status in ("Downloading", "Downloaded", "Installing", "Installed"):
            await first_station.ask("FirmwareStatusNotification", status=status)
        assert (await network.get(location)).status_code == 404  # it served its purpose
        assert second.count("UpdateFirmware") == 0
        await boot(first_station, "Updatable", "2.0")
        await second.wait_for("UpdateFirmware")
        await boot(second_station, "Updatable", "2.0")
        shown = await rollout_is(api, rollout, "succeeded")
        assert [one["state"] for one in shown["steps"]] == ["verified", "verified"]
        assert (canary.count("UpdateFirmware"), second.count("UpdateFirmware")) == (1, 1)


@pytest.mark.parametrize("failure", ["InstallationFailed", "other version"])
async def test_k78_a_failure_stops_the_roll_out_with_an_alarm(edge: Edge, api: httpx.AsyncClient, failure: str) -> None:
    names = [f"K78-{failure[0]}{number}" for number in (1, 2)]
    keys = [await asyncio.to_thread(edge.add_charge_point, name) for name in names]
    canary, second = Equipment(), Equipment()
    firmware = await uploaded(api, "3.0")
    async with (
        equipped(edge.ws_url, names[0], keys[0], canary) as first_station,
        equipped(edge.ws_url, names[1], keys[1], second) as second_station,
    ):
        await boot(first_station, "Failing", "1.0")
        await boot(second_station, "Failing", "1.0")
        begun = await api.post(f"firmware/{firmware}/rollouts", json={"charge_points": names})
        await canary.wait_for("UpdateFirmware")
        if failure == "InstallationFailed":
            await first_station.ask("FirmwareStatusNotification", status=failure)
        else:
            await first_station.ask("FirmwareStatusNotification", status="Installed")
            await boot(first_station, "Failing", "1.0")
        shown = await rollout_is(api, begun.json()["rollout"], "stopped")
        assert [one["state"] for one in shown["steps"]] == ["failed", "waiting"]
        alarms = (await api.get("alarms", params={"charge_point": names[0]})).json()["items"]
        assert "FirmwareFailed" in [one["kind"] for one in alarms]
        assert second.count("UpdateFirmware") == 0


async def test_k78_one_that_breaks_off_instead_of_answering_is_not_asked_again(
    edge: Edge, api: httpx.AsyncClient
) -> None:
    key = await asyncio.to_thread(edge.add_charge_point, "K78-B")
    firmware = await uploaded(api, "5.0")
    async with wired(f"{edge.ws_url}/K78-B", basic("K78-B", key)) as wire:
        await wire.boot(firmwareVersion="1.0")
        await wire.result("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
        begun = await api.post(f"firmware/{firmware}/rollouts", json={"charge_points": ["K78-B"]})
        await asyncio.sleep(2.5)  # its start has not arrived, and its connector is in use
        assert (await api.get(f"rollouts/{begun.json()['rollout']}")).json()["steps"][0]["state"] == "waiting"
        await wire.result("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        assert (await wire.frame())[2] == "UpdateFirmware"
        wire.websocket.transport.abort()
    async with wired(f"{edge.ws_url}/K78-B", basic("K78-B", key)) as wire:
        await wire.boot(firmwareVersion="5.0.0")  # not quite what was said
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asked_to_update(wire), 5)
        (step,) = (await api.get(f"rollouts/{begun.json()['rollout']}")).json()["steps"]
        assert (step["state"], "may have obeyed" in step["detail"]) == ("asked", True)
    await api.post(f"rollouts/{begun.json()['rollout']}/stop")


async def test_k78_a_roll_out_goes_on_after_a_kill(edge: Edge, api: httpx.AsyncClient) -> None:
    key, mine = await asyncio.to_thread(edge.add_charge_point, "K78-K"), Equipment()
    firmware = await uploaded(api, "4.0")
    async with equipped(edge.ws_url, "K78-K", key, mine) as station:
        await boot(station, "Killed", "1.0")
        begun = await api.post(f"firmware/{firmware}/rollouts", json={"charge_points": ["K78-K"]})
        await mine.wait_for("UpdateFirmware")
        await asyncio.to_thread(edge.kill)
    await asyncio.to_thread(edge.start)
    async with equipped(edge.ws_url, "K78-K", key, mine) as station:
        await boot(station, "Killed", "4.0")
        shown = await rollout_is(api, begun.json()["rollout"], "succeeded")
        assert [one["state"] for one in shown["steps"]] == ["verified"]


async def test_k78_a_roll_out_goes_nowhere_without_an_address_for_files(tmp_path: Path) -> None:
    port = free_port()
    address = {"FILES__URL": f"http://127.0.0.1:{port}", "FILES__HOST": "127.0.0.1", "FILES__PORT": str(port)}
    edge = Edge.create(tmp_path / "edge", UPKEEP__ROLLOUT_PATIENCE_H="1", **address)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{edge.api_port}/api/v1/", trust_env=False) as api:
        with await asyncio.to_thread(edge.start):
            key, mine = await asyncio.to_thread(edge.add_charge_point, "K78-U"), Equipment()
            firmware = await uploaded(api, "6.0")
            begun = await api.post(f"firmware/{firmware}/rollouts", json={"charge_points": ["K78-U"]})
            edge.stop()
        del edge.environment["GARDU_EDGE_FILES__URL"]
        with await asyncio.to_thread(edge.start):
            async with equipped(edge.ws_url, "K78-U", key, mine) as station:
                await boot(station, "Nowhere", "1.0")
                shown = await rollout_is(api, begun.json()["rollout"], "stopped")
            assert (mine.count("UpdateFirmware"), "GARDU_EDGE_FILES__URL is not set" in shown["detail"]) == (0, True)
            again = await api.post(f"firmware/{firmware}/rollouts", json={"charge_points": ["K78-U"]})
            assert (again.status_code, again.json()["type"]) == (409, "urn:gardu:problem:no-file-address")


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_diagnostics_are_brought_once_under_a_path_that_nobody_can_guess(
    edge: Edge, api: httpx.AsyncClient, network: httpx.AsyncClient, method: str
) -> None:
    name = f"DIAG-{method}"
    key, mine = await asyncio.to_thread(edge.add_charge_point, name), Equipment()
    async with equipped(edge.ws_url, name, key, mine) as station:
        await boot(station, "Diagnosed", "1.0")
        asked = await api.post(f"charge-points/{name}/diagnostics")
        assert (asked.status_code, asked.json()["file_name"]) == (201, "diagnostics.zip"), asked.text
        location = (await mine.wait_for("GetDiagnostics"))["location"]
        assert (await network.request(method, location + "0", content=b"x")).status_code in (404, 405)
        assert (await network.get(location)).status_code in (404, 405)
        assert (await network.request(method, f"{location}/diagnostics.zip", content=FILE)).status_code == 201
        assert (await network.request(method, location, content=b"again")).status_code == 404
        [listed] = (await api.get(f"charge-points/{name}/diagnostics")).json()
        assert (listed["state"], listed["size"]) == ("uploaded", len(FILE))
        assert (await api.get(f"diagnostics/{listed['diagnostics']}/file")).content == FILE
        assert (await api.delete(f"diagnostics/{listed['diagnostics']}")).status_code == 204
        assert (await api.get(f"diagnostics/{listed['diagnostics']}/file")).status_code == 404
        assert (await api.delete(f"diagnostics/{listed['diagnostics']}")).status_code == 404


async def test_a_firmware_must_be_a_file_and_nothing_else_takes_files(api: httpx.AsyncClient) -> None:
    file = {"Content-Type": "application/octet-stream"}
    query = {"name": "a.bin", "version": "1"}
    assert (await api.post("firmware", params=query, json={})).status_code == 415
    assert (await api.post("firmware", params=query, content=b"", headers=file)).status_code == 422
    assert (await api.put("id-tags/A", content=b"x", headers=file)).status_code == 415
    too_much = await api.post("firmware", params=query, content=b"x" * 21 * 1024**2, headers=file)
    assert (too_much.status_code, too_much.json()["type"]) == (413, "urn:gardu:problem:no-room-for-firmware")
    assert "FIRMWARE_MAX_MIB" in too_much.json()["hint"]


async def test_a_firmware_that_is_not_needed_is_removed_unless_it_is_being_rolled_out(
    edge: Edge, api: httpx.AsyncClient
) -> None:
    await asyncio.to_thread(edge.add_charge_point, "AWAY")
    firmware = await uploaded(api, "7.0")
    begun = (await api.post(f"firmware/{firmware}/rollouts", json={"charge_points": ["AWAY"]})).json()["rollout"]
    assert (await api.delete(f"firmware/{firmware}")).status_code == 409
    await api.post(f"rollouts/{begun}/stop")
    assert (await api.delete(f"firmware/{firmware}")).status_code == 204
    assert (await api.delete(f"firmware/{firmware}")).status_code == 404
    assert firmware not in [one["firmware"] for one in (await api.get("firmware")).json()]
    assert not (edge.folder / "data" / "files" / "firmware" / firmware).exists()
