"""Provisioning: only what differs, resumed after a kill, given up where a model refuses (K37-K39, K70)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from ocpp.exceptions import InternalError

from edge.store.database import connect
from tests.harness.equipped import SOON_S, Equipment, equipped
from tests.harness.plain_http import PLAIN
from tests.harness.processes import Edge
from tests.harness.station import Station

UPKEEP = {"UPKEEP__PROVISION": "true", "UPKEEP__AFTER_BOOT_S": "0", "UPKEEP__TRY_AGAIN_S": "1"}
FULL_LIST = "Energy.Active.Import.Register,Current.Import,Power.Active.Import,Voltage,Current.Offered"


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with Edge.create(tmp_path_factory.mktemp("edge"), **UPKEEP).start() as edge:
        yield edge


@pytest.fixture
async def api(edge: Edge) -> AsyncIterator[httpx.AsyncClient]:
    async with client(edge) as api:
        yield api


def client(edge: Edge) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=PLAIN, base_url=f"http://127.0.0.1:{edge.api_port}/api/v1/", timeout=30, trust_env=False
    )


def factory_settings(**other: str) -> dict[str, str]:
    return {
        "HeartbeatInterval": "300",
        "MeterValueSampleInterval": "0",
        "MeterValuesSampledData": "Energy.Active.Import.Register",
        "LocalAuthorizeOffline": "TRUE",
        "TransactionMessageAttempts": "3",
    } | other


async def boot(station: Station, model: str, firmware: str = "1.0", **other: Any) -> None:
    answer = await station.ask(
        "BootNotification", charge_point_vendor="VendorU", charge_point_model=model, firmware_version=firmware, **other
    )
    assert answer.status == "Accepted"


async def provisioned(api: httpx.AsyncClient, charge_point: str) -> dict[str, Any]:
    """Wait until nothing is left to do; returns the configuration as the API shows it."""
    async with asyncio.timeout(SOON_S):
        while True:
            shown: dict[str, Any] = (await api.get(f"charge-points/{charge_point}/configuration")).json()
            if shown["provisioned_at"] is not None and not shown["pending"]:
                return shown
            await asyncio.sleep(0.05)


async def test_k37_a_second_provisioning_sets_nothing(edge: Edge, api: httpx.AsyncClient) -> None:
    key, mine = await asyncio.to_thread(edge.add_charge_point, "K37"), Equipment(factory_settings())
    async with equipped(edge.ws_url, "K37", key, mine) as station:
        await boot(station, "Idempotent")
        shown = await provisioned(api, "K37")
        assert dict(mine.set_keys()) == {
            "MeterValueSampleInterval": "60",
            "MeterValuesSampledData": FULL_LIST,
            "TransactionMessageAttempts": "10",
        }
        assert set(shown["differing"]) & set(mine.configuration) == set()
        first = len(mine.set_keys())
        await boot(station, "Idempotent")
        await mine.wait_for("GetConfiguration", mine.count("GetConfiguration") + 1)
        await provisioned(api, "K37")
        assert len(mine.set_keys()) == first


async def test_k38_provisioning_goes_on_after_a_kill(tmp_path: Path) -> None:
    edge = Edge.create(tmp_path, **UPKEEP)
    mine = Equipment(factory_settings(ConnectionTimeOut="30", LocalPreAuthorize="false", WebSocketPingInterval="0"))
    with await asyncio.to_thread(edge.start):
        key = await asyncio.to_thread(edge.add_charge_point, "K38")
        async with equipped(edge.ws_url, "K38", key, mine) as station:
            await boot(station, "Resumed")
            await mine.wait_for("ChangeConfiguration", 2)
            edge.kill()
        set_before = len(mine.set_keys())
        await asyncio.to_thread(edge.start)
        async with client(edge) as api, equipped(edge.ws_url, "K38", key, mine) as station:
            await station.ask("Heartbeat")  # it comes back without a boot
            shown = await provisioned(api, "K38")
        again = [name for name, _ in mine.set_keys()[set_before:]]
        assert len(mine.set_keys()) <= 7  # six keys differ; at most the one under way is set again
        assert len(again) == len(set(again))
        assert set(shown["differing"]) & set(mine.configuration) == set()


async def test_k39_new_firmware_is_asked_again_what_the_old_one_refused(edge: Edge, api: httpx.AsyncClient) -> None:
    key = await asyncio.to_thread(edge.add_charge_point, "K39")
    mine = Equipment(factory_settings(), refuses=lambda name, _: "Rejected" if name.startswith("Transaction") else None)
    async with equipped(edge.ws_url, "K39", key, mine) as station:
        await boot(station, "Updated", "1.0")
        shown = await provisioned(api, "K39")
        assert mine.set_keys().count(("TransactionMessageAttempts", "10")) == 2
        assert [one["given_up"] for one in shown["refused"]] == [True]
        await boot(station, "Updated", "1.0")
        await provisioned(api, "K39")
        assert mine.set_keys().count(("TransactionMessageAttempts", "10")) == 2
        mine.refuses = lambda _key, _value: None
        await boot(station, "Updated", "1.1")
        shown = await provisioned(api, "K39")
        assert mine.set_keys().count(("TransactionMessageAttempts", "10")) == 3
        assert shown["refused"] == []


async def test_k39_what_one_charge_point_refused_twice_no_other_of_its_kind_is_asked(
    edge: Edge, api: httpx.AsyncClient
) -> None:
    asked = []
    for identity in ("K39-A", "K39-B"):
        mine = Equipment(factory_settings(), refuses=lambda name, _: "Rejected" if name[0] == "T" else None)
        key = await asyncio.to_thread(edge.add_charge_point, identity)
        async with equipped(edge.ws_url, identity, key, mine) as station:
            await boot(station, "Siblings")
            await provisioned(api, identity)
        asked.append(mine.set_keys().count(("TransactionMessageAttempts", "10")))
    assert asked == [2, 0]


async def test_k39_another_device_under_the_same_identity_is_an_alarm(edge: Edge, api: httpx.AsyncClient) -> None:
    key, mine = await asyncio.to_thread(edge.add_charge_point, "K39-X"), Equipment(factory_settings())
    async with equipped(edge.ws_url, "K39-X", key, mine) as station:
        await boot(station, "Original", charge_point_serial_number="S1")
        await provisioned(api, "K39-X")
        await boot(station, "Original", charge_point_serial_number="S2")
        alarms = (await api.get("alarms", params={"charge_point": "K39-X"})).json()["items"]
        assert [one["kind"] for one in alarms] == ["HardwareChanged"]
        assert "'S1'" in alarms[0]["detail"]
        await provisioned(api, "K39-X")


@pytest.mark.parametrize("most", [1, 3])
async def test_k70_the_longest_list_of_measurands_that_is_taken_stays(
    edge: Edge, api: httpx.AsyncClient, most: int
) -> None:
    identity, model = f"K70-{most}", f"Measures{most}"
    mine = Equipment(
        factory_settings(MeterValuesSampledData="'Voltage', 'Current.Import'"),
        refuses=lambda name, value: "Rejected" if name[:6] == "MeterV" and value.count(",") >= most else None,
    )
    key = await asyncio.to_thread(edge.add_charge_point, identity)
    async with equipped(edge.ws_url, identity, key, mine) as station:
        await boot(station, model)
        shown = await provisioned(api, identity)
        expected = ",".join(FULL_LIST.split(",")[:most])
        assert mine.configuration["MeterValuesSampledData"] == expected
        tried = [value for name, value in mine.set_keys() if name == "MeterValuesSampledData"]
        assert tried == [",".join(FULL_LIST.split(",")[:length]) for length in range(5, most - 1, -1)]
        assert shown["desired"]["MeterValuesSampledData"] == expected
        await boot(station, model)
        await mine.wait_for("GetConfiguration", mine.count("GetConfiguration") + 1)
        await provisioned(api, identity)
        assert len([one for one in mine.set_keys() if one[0] == "MeterValuesSampledData"]) == len(tried)


async def test_k70_an_error_ends_no_negotiation_for_good(edge: Edge, api: httpx.AsyncClient) -> None:
    def fails_once(name: str, _: str) -> str | None:
        if name == "MeterValuesSampledData" and mine.set_keys()[-1][1] == FULL_LIST:
            raise InternalError
        return None

    mine = Equipment(factory_settings(MeterValuesSampledData="Voltage"), refuses=fails_once)
    key = await asyncio.to_thread(edge.add_charge_point, "K70-E")
    async with equipped(edge.ws_url, "K70-E", key, mine) as station:
        await boot(station, "Stumbles")
        await provisioned(api, "K70-E")
        assert mine.configuration["MeterValuesSampledData"] == FULL_LIST.rpartition(",")[0]
        database = connect(edge.folder / "data" / "edge.db")
        (until,) = database.execute("SELECT retry_at FROM measurand_list WHERE model = 'Stumbles'").fetchone()
        assert timedelta(hours=23) < datetime.fromisoformat(until) - datetime.now(UTC) < timedelta(hours=25)
        database.execute("UPDATE measurand_list SET retry_at = '2026-01-01' WHERE model = 'Stumbles'")  # a day later
        database.close()
        mine.refuses = lambda _name, _value: None
        await boot(station, "Stumbles")
        async with asyncio.timeout(SOON_S):
            while mine.configuration["MeterValuesSampledData"] != FULL_LIST:
                await asyncio.sleep(0.05)


async def test_k70_an_interrupted_negotiation_leaves_a_valid_list_and_ends_with_one(tmp_path: Path) -> None:
    edge = Edge.create(tmp_path, **UPKEEP)
    own = "Energy.Active.Import.Register"
    mine = Equipment(
        {"MeterValuesSampledData": own}, refuses=lambda _, value: "Rejected" if value.count(",") > 1 else None
    )
    with await asyncio.to_thread(edge.start):
        key = await asyncio.to_thread(edge.add_charge_point, "K70-F")
        for asked in (1, 3):  # killed while it tries, again and again
            async with equipped(edge.ws_url, "K70-F", key, mine) as station:
                await boot(station, "Interrupted")
                await mine.wait_for("ChangeConfiguration", asked)
                edge.kill()
            assert mine.configuration["MeterValuesSampledData"].startswith(own)
            assert mine.configuration["MeterValuesSampledData"].count(",") in (0, 1)
            await asyncio.to_thread(edge.start)
        async with client(edge) as api, equipped(edge.ws_url, "K70-F", key, mine) as station:
            await boot(station, "Interrupted")
            await provisioned(api, "K70-F")
    assert mine.configuration["MeterValuesSampledData"] == ",".join(FULL_LIST.split(",")[:2])


async def test_k70_a_model_that_does_not_survive_probing_gets_one_known_list(
    edge: Edge, api: httpx.AsyncClient
) -> None:
    key, mine = await asyncio.to_thread(edge.add_charge_point, "K70-ABB"), Equipment(factory_settings())
    mine.refuses = lambda name, _: "Rejected" if name == "MeterValuesSampledData" else None
    async with equipped(edge.ws_url, "K70-ABB", key, mine) as station:
        await station.ask(
            "BootNotification",
            charge_point_vendor="ABB",
            charge_point_model="TAC-W22-T-R-C-0",
            firmware_version="1.8.21",
        )
        await provisioned(api, "K70-ABB")
    tried = {value for name, value in mine.set_keys() if name == "MeterValuesSampledData"}
    assert len(tried) == 1


async def test_a_charge_point_that_tells_little_at_once_is_asked_in_groups(edge: Edge, api: httpx.AsyncClient) -> None:
    key = await asyncio.to_thread(edge.add_charge_point, "GROUPS")
    mine = Equipment(factory_settings(GetConfigurationMaxKeys="4"), whole_refused=True, most_keys=4)
    async with equipped(edge.ws_url, "GROUPS", key, mine) as station:
        await boot(station, "Groups")
        shown = await provisioned(api, "GROUPS")
    assert {one["key"] for one in shown["reported"]} == set(mine.configuration)
    assert mine.configuration["TransactionMessageAttempts"] == "10"


async def test_a_secret_is_not_kept_and_its_desire_is_refused(edge: Edge, api: httpx.AsyncClient) -> None:
    key = await asyncio.to_thread(edge.add_charge_point, "SECRET")
    mine = Equipment(factory_settings(StationPassword="open-sesame", AuthorizationKey="0123456789abcdef"))
    async with equipped(edge.ws_url, "SECRET", key, mine) as station:
        await boot(station, "Secretive")
        shown = await provisioned(api, "SECRET")
    assert {one["key"]: one["value"] for one in shown["reported"]}["StationPassword"] is None
    assert b"open-sesame" not in (edge.folder / "data" / "edge.db-wal").read_bytes()
    refused = await api.put("charge-points/SECRET/configuration", json={"configuration": {"AuthorizationKey": "x"}})
    assert refused.status_code == 422


async def test_what_is_wanted_of_one_charge_point_is_set_at_once_and_a_reset_waits_for_the_transaction(
    edge: Edge, api: httpx.AsyncClient
) -> None:
    await asyncio.to_thread(edge.add_id_tag, "DRIVER")
    key, mine = await asyncio.to_thread(edge.add_charge_point, "OWN"), Equipment(factory_settings(LightIntensity="10"))
    async with equipped(edge.ws_url, "OWN", key, mine) as station:
        await boot(station, "Own")
        await provisioned(api, "OWN")
        mine.refuses = lambda name, _: "RebootRequired" if name == "LightIntensity" else None
        at = "2026-03-01T12:00:00Z"
        start = await station.ask("StartTransaction", connector_id=1, id_tag="DRIVER", meter_start=0, timestamp=at)
        wanted = {"configuration": {"lightintensity": "50", "HeartbeatInterval": None}}
        shown = (await api.put("charge-points/OWN/configuration", json=wanted)).json()
        assert "HeartbeatInterval" not in shown["desired"]
        await mine.wait_for("ChangeConfiguration", len(mine.set_keys()) + 1)
        assert mine.configuration["LightIntensity"] == "50"
        async with asyncio.timeout(SOON_S):
            while True:
                shown = (await api.get("charge-points/OWN/configuration")).json()
                if shown["pending"] == ["reset"]:
                    break
                await asyncio.sleep(0.05)
        assert mine.count("Reset") == 0
        await station.ask("StopTransaction", transaction_id=start.transaction_id, meter_stop=1, timestamp=at)


async def test_no_reset_while_a_connector_is_in_use_whose_start_has_not_arrived(
    edge: Edge, api: httpx.AsyncClient
) -> None:
    key, mine = await asyncio.to_thread(edge.add_charge_point, "BUSY"), Equipment(factory_settings(Light="10"))
    async with equipped(edge.ws_url, "BUSY", key, mine) as station:
        await boot(station, "Busy")
        await provisioned(api, "BUSY")
        mine.refuses = lambda name, _: "RebootRequired" if name == "Light" else None
        await station.ask("StatusNotification", connector_id=1, error_code="NoError", status="Charging")
        await api.put("charge-points/BUSY/configuration", json={"configuration": {"Light": "50"}})
        await mine.wait_for("ChangeConfiguration", len(mine.set_keys()) + 1)
        async with asyncio.timeout(SOON_S):
            while (await api.get("charge-points/BUSY/configuration")).json()["pending"] != ["reset"]:
                await asyncio.sleep(0.05)
        await asyncio.sleep(2)  # two looks for what is due
        assert mine.count("Reset") == 0


async def test_a_charge_point_that_refuses_to_restart_is_not_asked_for_ever(edge: Edge, api: httpx.AsyncClient) -> None:
    key, mine = await asyncio.to_thread(edge.add_charge_point, "STAYS"), Equipment(factory_settings(Light="10"))
    async with equipped(edge.ws_url, "STAYS", key, mine) as station:
        station.answers["Reset"] = {"status": "Rejected"}
        await boot(station, "Stays")
        await provisioned(api, "STAYS")
        mine.refuses = lambda name, _: "RebootRequired" if name == "Light" else None
        await api.put("charge-points/STAYS/configuration", json={"configuration": {"Light": "50"}})
        await mine.wait_for("Reset", 5)
        await provisioned(api, "STAYS")
        items = (await api.get("alarms", params={"charge_point": "STAYS", "standing": True})).json()["items"]
        assert [one["detail"] for one in items if one["kind"] == "ProvisioningFailed"] == [
            "reset: The charge point answered Rejected: Reset"
        ]
        assert mine.count("Reset") == 5
