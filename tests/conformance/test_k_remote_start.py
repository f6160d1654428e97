"""K58, K59, K73: a remote start on the wire, its deadline and its effect.

That an accepted start without a transaction is reported (K59) is proved on a clock that is set, in
`test_k_remote_start_effects.py`: here it would take 30 s and more.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contract.commands import CommandState
from edge.clock import Clock
from edge.domain.configuration import Entry
from edge.store import commands, configurations
from edge.store.commands import StoredCommand
from edge.store.database import connect
from tests.conformance.conftest import CHARGE_POINT, Site
from tests.harness.operations import TX_PROFILE
from tests.harness.plain_http import PLAIN
from tests.harness.processes import Edge
from tests.harness.station import Station, connected

CLIENT = f"central-system/clients/{CHARGE_POINT}"


async def effects(api: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await api.get(f"charge-points/{CHARGE_POINT}/remote-starts")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def ready(station: Station, status: str = "Available") -> None:
    await station.ask("StatusNotification", connector_id=1, error_code="NoError", status=status)


async def test_k59_an_accepted_remote_start_waits_for_its_transaction_and_names_it(
    station: Station, api: httpx.AsyncClient
) -> None:
    await ready(station)
    await api.post(f"{CLIENT}/start-transaction", json={"idTag": "12345"})
    [expected, *before] = await effects(api)
    assert (expected["outcome"], expected["connector_id"], expected["transaction_id"]) == ("Expected", 1, None)
    assert expected["explanation"]
    due_in_s = datetime.fromisoformat(expected["due_at"]) - datetime.fromisoformat(expected["asked_at"])
    assert 90 <= due_in_s.total_seconds() < 120
    now = datetime.now(UTC).isoformat()
    started = await station.ask("StartTransaction", connector_id=1, id_tag="12345", meter_start=0, timestamp=now)
    assert await effects(api) == [
        expected
        | {"outcome": "Started", "transaction_id": started.transaction_id, "explanation": "Its transaction began."},
        *before,
    ]
    await station.ask("StopTransaction", transaction_id=started.transaction_id, meter_stop=1, timestamp=now)


async def test_k59_the_charge_points_own_connection_time_out_counts_where_it_has_told_it(
    site: Site, station: Station, api: httpx.AsyncClient
) -> None:
    connection = connect(site.edge.folder / "data" / "edge.db")
    configurations.report(
        connection, CHARGE_POINT, [Entry("connectionTimeout", "120", readonly=False)], datetime.now(UTC)
    )
    connection.commit()
    connection.close()
    assert (await api.post(f"{CLIENT}/start-transaction", json={"idTag": "PATIENT", "connectorId": 1})).is_success
    expected = (await effects(api))[0]
    waits = datetime.fromisoformat(expected["due_at"]) - datetime.fromisoformat(expected["asked_at"])
    assert 150 <= waits.total_seconds() < 180
    assert station.asked


async def test_k59_a_rejected_remote_start_expects_nothing(station: Station, api: httpx.AsyncClient) -> None:
    before = await effects(api)
    station.answers["RemoteStartTransaction"] = {"status": "Rejected"}
    await api.post(f"{CLIENT}/start-transaction", json={"idTag": "12345", "connectorId": 1})
    assert await effects(api) == before


async def test_k58_a_remote_start_to_an_absent_charge_point_fails_and_never_fires_later(
    site: Site, api: httpx.AsyncClient
) -> None:
    answer = await api.post(f"{CLIENT}/start-transaction", json={"idTag": "12345", "connectorId": 1})
    assert answer.status_code == 409
    async with connected(site.edge.ws_url, CHARGE_POINT, site.password) as station:
        await station.boot()
        assert (await api.post(f"{CLIENT}/clear-cache")).status_code == 200  # whatever waited would have come before
        assert [action for action, _ in station.asked] == ["ClearCache"]


async def test_k58_a_remote_start_whose_deadline_passed_never_fires_later(tmp_path: Any) -> None:
    edge = Edge.create(tmp_path)
    with edge.start():
        password = edge.add_charge_point(CHARGE_POINT)
        edge.stop()
    clock = Clock()
    late = StoredCommand(
        command=uuid4(),
        number=1,
        action="RemoteStartTransaction",
        charge_point=CHARGE_POINT,
        payload={"idTag": "12345", "connectorId": 1},
        requested_by="somebody",
        state=CommandState.DELIVERED,
        boot_id=clock.boot_id,
        deadline_boottime=clock.boottime() + 0.2,
    )
    connection = connect(tmp_path / "data" / "edge.db")
    commands.insert(connection, late, datetime.now(UTC))
    connection.commit()
    while clock.boottime() < late.deadline_boottime:
        await asyncio.sleep(0.05)
    with edge.start():
        async with connected(edge.ws_url, CHARGE_POINT, password) as station:
            await station.boot()
            base_url = f"http://127.0.0.1:{edge.api_port}/api/v1/"
            async with httpx.AsyncClient(verify=PLAIN, base_url=base_url, timeout=60, trust_env=False) as api:
                assert (await api.post(f"{CLIENT}/clear-cache")).status_code == 200
            assert [action for action, _ in station.asked] == ["ClearCache"]
        stored = commands.find(connection, late.command)
        connection.close()
    assert stored is not None
    assert stored.state is CommandState.EXPIRED


@pytest.mark.parametrize("status", ["Available", "Preparing"])
async def test_k73_a_remote_start_always_names_a_connector_picked_where_the_request_names_none(
    station: Station, api: httpx.AsyncClient, status: str
) -> None:
    await ready(station, status)
    await api.post(f"{CLIENT}/start-transaction", json={"idTag": "12345"})
    assert station.asked == [("RemoteStartTransaction", {"id_tag": "12345", "connector_id": 1})]


async def test_k73_a_tx_profile_goes_along_where_the_request_has_one_and_never_with_a_transaction_id(
    station: Station, api: httpx.AsyncClient
) -> None:
    body = {"idTag": "12345", "connectorId": 1}
    answer = await api.post(f"{CLIENT}/start-transaction", json=body | {"chargingProfile": TX_PROFILE})
    assert answer.status_code == 200
    assert station.asked[0][1]["charging_profile"]["charging_profile_purpose"] == "TxProfile"
    assert "transaction_id" not in station.asked[0][1]["charging_profile"]
    for wrong in ({"transactionId": 1}, {"chargingProfilePurpose": "TxDefaultProfile"}):
        answer = await api.post(f"{CLIENT}/start-transaction", json=body | {"chargingProfile": TX_PROFILE | wrong})
        assert answer.status_code == 422
        assert "chargingProfile" in answer.json()["detail"]
    assert len(station.asked) == 1


@pytest.mark.parametrize(("id_tag", "status"), [("x" * 16, 200), ("x" * 20, 200), ("x" * 21, 422), ("", 422)])
async def test_k73_an_id_tag_has_as_many_characters_as_ocpp_allows(
    station: Station, api: httpx.AsyncClient, id_tag: str, status: int
) -> None:
    """The edge names no id tags of its own, so its own limit of 16 characters binds nothing so far."""
    answer = await api.post(f"{CLIENT}/start-transaction", json={"idTag": id_tag, "connectorId": 1})
    assert answer.status_code == status
    assert len(station.asked) == (status == 200)
