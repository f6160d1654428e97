"""K75, K79: what GetConfiguration and ChangeConfiguration pass on and what they hide; vendors that nobody knows."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conformance.conftest import CHARGE_POINT, Site
from tests.harness.station import Station

CLIENT = f"central-system/clients/{CHARGE_POINT}"
SECRET = "hunter2-hunter2-hunter2"


def told(key: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"key": key, "readonly": False, "value": value} | more


async def test_k75_an_answer_that_is_odd_is_passed_on_whole(station: Station, api: httpx.AsyncClient) -> None:
    odd = {
        "configurationKey": [
            told("SupportedFeatureProfiles", "Core," * 120),
            told("HeartbeatInterval", 300),
            told("LocalPreAuthorize", False),
            told("ConnectorPhaseRotation", None),
            told("wEBSOCKETpINGiNTERVAL", "30", vendorsOwn=[1]),
            {"key": "WithoutValue", "readonly": True},
        ],
        "unknownKey": ["NoSuchKey"],
    }
    station.raw_answers["GetConfiguration"] = odd
    answer = await api.post(f"{CLIENT}/get-configuration", json={"key": ["heartbeatinterval", "NoSuchKey"]})
    assert (answer.status_code, answer.json()) == (200, odd)


@pytest.mark.parametrize(
    "key",
    ["AuthorizationKey", "authorizationkey", "StationPassword", "WebSocketPassword", "PUK", "Wifi_PSK", "ClientSecret"],
)
@pytest.mark.parametrize("value", [SECRET, 12345678])
async def test_k75_a_secret_is_hidden_in_the_answer_however_its_key_is_written(
    station: Station, api: httpx.AsyncClient, key: str, value: object
) -> None:
    plain = told("AuthorizationCacheEnabled", "true")
    station.raw_answers["GetConfiguration"] = {"configurationKey": [told(key, value), plain]}
    answer = await api.post(f"{CLIENT}/get-configuration", json={})
    assert answer.json() == {"configurationKey": [told(key, "(redacted)"), plain]}


async def test_k75_a_secret_that_is_written_reaches_the_charge_point_and_no_log(
    site: Site, station: Station, api: httpx.AsyncClient
) -> None:
    answer = await api.post(f"{CLIENT}/change-configuration", json={"key": "AuthorizationKey", "value": SECRET})
    assert answer.status_code == 200
    assert station.asked == [("ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET})]
    assert SECRET not in answer.text
    assert SECRET not in site.edge.log.read_text()


@pytest.mark.parametrize("key", ["x" * 51, ""])
async def test_k75_a_key_that_ocpp_does_not_allow_is_refused_without_repeating_the_value(
    station: Station, api: httpx.AsyncClient, key: str
) -> None:
    answer = await api.post(f"{CLIENT}/change-configuration", json={"key": key, "value": SECRET})
    assert answer.status_code == 422
    assert SECRET not in answer.text
    assert station.asked == []


@pytest.mark.parametrize(
    ("vendor", "message", "status"),
    [
        ("Nobody", None, "UnknownVendorId"),
        ("Nobody", "customMsg", "UnknownVendorId"),
        ("VendorA", "noSuchMsg", "UnknownMessageId"),
        ("VendorA", "customMsg", "Accepted"),
    ],
)
async def test_k79_a_data_transfer_of_an_unknown_vendor_is_answered_so_and_without_data(
    station: Station, vendor: str, message: str | None, status: str
) -> None:
    answer = await station.ask("DataTransfer", vendor_id=vendor, message_id=message, data="ping")
    assert (answer.status, answer.data) == (status, None)
