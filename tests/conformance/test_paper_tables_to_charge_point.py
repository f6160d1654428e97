"""Tables 9 to 17 of the paper: what an operator asks over REST, answered by a charge point that is not ours.

Answers use `status` in lower case as in OCPP (the paper prints both spellings); a printed path with a blank is the
hyphenated one.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conformance.conftest import CHARGE_POINT
from tests.harness.station import Station

CLIENT = f"central-system/clients/{CHARGE_POINT}"


async def test_table_09_the_connected_charge_points_are_listed(station: Station, api: httpx.AsyncClient) -> None:
    assert station.id == CHARGE_POINT
    assert (await api.get("central-system/clients")).json() == [CHARGE_POINT]


@pytest.mark.parametrize("status", ["Accepted", "Rejected", "Scheduled"])
async def test_table_10_change_availability(station: Station, api: httpx.AsyncClient, status: str) -> None:
    station.answers["ChangeAvailability"] = {"status": status}
    answer = await api.post(f"{CLIENT}/change-availability", json={"connectorId": 1, "type": "Inoperative"})
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    assert station.asked == [("ChangeAvailability", {"connector_id": 1, "type": "Inoperative"})]


# The paper also prints Scheduled here, which OCPP does not know for this operation.
@pytest.mark.parametrize("status", ["Accepted", "Rejected", "RebootRequired", "NotSupported"])
async def test_table_11_change_configuration(station: Station, api: httpx.AsyncClient, status: str) -> None:
    station.answers["ChangeConfiguration"] = {"status": status}
    answer = await api.post(f"{CLIENT}/change-configuration", json={"key": "HeartbeatInterval", "value": "300"})
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    assert station.asked == [("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "300"})]


@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
@pytest.mark.parametrize("body", [None, {}])
async def test_table_12_clear_cache(
    station: Station, api: httpx.AsyncClient, status: str, body: dict[str, Any] | None
) -> None:
    station.answers["ClearCache"] = {"status": status}
    answer = await api.post(f"{CLIENT}/clear-cache", json=body)
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    assert station.asked == [("ClearCache", {})]


async def test_table_13_get_configuration(station: Station, api: httpx.AsyncClient) -> None:
    answer = await api.post(f"{CLIENT}/get-configuration", json={"key": ["HeartbeatInterval", "Key2"]})
    assert answer.status_code == 200
    assert answer.json() == {
        "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
        "unknownKey": ["Key2"],
    }
    assert station.asked == [("GetConfiguration", {"key": ["HeartbeatInterval", "Key2"]})]


@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
async def test_table_14_start_transaction(station: Station, api: httpx.AsyncClient, status: str) -> None:
    await station.ask("StatusNotification", connector_id=1, error_code="NoError", status="Available")
    station.answers["RemoteStartTransaction"] = {"status": status}
    answer = await api.post(f"{CLIENT}/start-transaction", json={"idTag": "12345"})
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    # The request names no connector; charge points want one, so the edge picks a free one.
    assert station.asked == [("RemoteStartTransaction", {"id_tag": "12345", "connector_id": 1})]


async def test_table_14_start_transaction_without_a_free_connector_is_a_conflict(
    station: Station, api: httpx.AsyncClient
) -> None:
    await station.ask("StatusNotification", connector_id=1, error_code="NoError", status="Faulted")
    answer = await api.post(f"{CLIENT}/start-transaction", json={"idTag": "12345"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert "No connector" in answer.json()["detail"]
    assert station.asked == []


@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
async def test_table_15_stop_transaction(station: Station, api: httpx.AsyncClient, status: str) -> None:
    station.answers["RemoteStopTransaction"] = {"status": status}
    answer = await api.post(f"{CLIENT}/stop-transaction", json={"transactionId": 1})
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    assert station.asked == [("RemoteStopTransaction", {"transaction_id": 1})]


@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
@pytest.mark.parametrize("kind", ["Soft", "Hard"])
async def test_table_16_reset(station: Station, api: httpx.AsyncClient, status: str, kind: str) -> None:
    station.answers["Reset"] = {"status": status}
    answer = await api.post(f"{CLIENT}/reset", json={"type": kind})
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    assert station.asked == [("Reset", {"type": kind})]


@pytest.mark.parametrize("status", ["Unlocked", "UnlockFailed", "NotSupported"])
async def test_table_17_unlock_connector(station: Station, api: httpx.AsyncClient, status: str) -> None:
    station.answers["UnlockConnector"] = {"status": status}
    answer = await api.post(f"{CLIENT}/unlock-connector", json={"connectorId": 1})
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    assert station.asked == [("UnlockConnector", {"connector_id": 1})]


async def test_data_transfer_to_a_charge_point(station: Station, api: httpx.AsyncClient) -> None:
    station.answers["DataTransfer"] = {"status": "Accepted", "data": "pong"}
    answer = await api.post(f"{CLIENT}/data-transfer", json={"vendorId": "VendorA", "messageId": "m", "data": "ping"})
    assert (answer.status_code, answer.json()) == (200, {"status": "Accepted", "data": "pong"})
