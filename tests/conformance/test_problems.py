"""What an operator is told when an operation cannot be done: problem documents (RFC 9457), each with its own status."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from ocpp.exceptions import NotSupportedError, SecurityError

from tests.conformance.conftest import CHARGE_POINT, Site
from tests.harness.operations import BODIES
from tests.harness.station import Station, connected

CLIENTS = "central-system/clients"


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Check the form of a problem document and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["type"].startswith("urn:gardu:problem:")
    return document


@pytest.mark.parametrize("operation", BODIES)
async def test_an_unknown_charge_point_is_not_found(api: httpx.AsyncClient, operation: str) -> None:
    document = problem(await api.post(f"{CLIENTS}/NOBODY/{operation}", json=BODIES[operation]), 404)
    assert document["type"].endswith("unknown-charge-point")
    assert "NOBODY" in document["detail"]


@pytest.mark.parametrize("operation", BODIES)
async def test_a_known_charge_point_that_is_not_connected_is_a_conflict(api: httpx.AsyncClient, operation: str) -> None:
    assert (await api.put("charge-points/ASLEEP")).is_success
    document = problem(await api.post(f"{CLIENTS}/ASLEEP/{operation}", json=BODIES[operation]), 409)
    assert document["type"].endswith("not-connected")
    assert document["hint"]


@pytest.mark.parametrize(
    ("operation", "body", "field"),
    [
        ("change-availability", {"connectorId": 1, "type": "Broken"}, "type"),
        ("change-availability", {"type": "Operative"}, "connectorId"),
        ("change-availability", {"connectorId": -1, "type": "Operative"}, "connectorId"),
        ("change-configuration", {"key": "HeartbeatInterval"}, "value"),
        ("change-configuration", {"key": "x" * 51, "value": ""}, "key"),
        ("clear-cache", {"vendorExtra": 1}, "vendorExtra"),
        ("data-transfer", {"messageId": "m"}, "vendorId"),
        ("get-configuration", {"key": "HeartbeatInterval"}, "key"),
        ("start-transaction", {"connectorId": 1}, "idTag"),
        ("start-transaction", {"idTag": "x" * 21}, "idTag"),
        ("stop-transaction", {"transactionId": "1"}, "transactionId"),
        ("reset", {"type": "soft"}, "type"),
        ("unlock-connector", {"connectorId": 0}, "connectorId"),
        ("reserve-now", BODIES["reserve-now"] | {"reservationId": 0}, "reservationId"),
        ("send-local-list", {"listVersion": 0, "updateType": "Full"}, "listVersion"),
        ("clear-charging-profile", {}, "body"),
    ],
)
async def test_a_body_that_breaks_the_schema_is_told_by_its_field_and_nothing_is_sent(
    station: Station, api: httpx.AsyncClient, operation: str, body: dict[str, Any], field: str
) -> None:
    document = problem(await api.post(f"{CLIENTS}/{CHARGE_POINT}/{operation}", json=body), 422)
    assert [one["field"] for one in document["errors"]] == [field]
    assert field in document["detail"]
    assert station.asked == []


@pytest.mark.parametrize("operation", BODIES)
async def test_a_call_error_is_told_with_its_code_and_text(
    station: Station, api: httpx.AsyncClient, operation: str
) -> None:
    station.refusal = SecurityError(description="not from you")
    document = problem(await api.post(f"{CLIENTS}/{CHARGE_POINT}/{operation}", json=BODIES[operation]), 502)
    assert (document["ocpp_code"], document["ocpp_description"]) == ("SecurityError", "not from you")
    assert "SecurityError" in document["detail"]
    assert "not from you" in document["detail"]


async def test_a_call_error_without_text_is_told_too(station: Station, api: httpx.AsyncClient) -> None:
    station.refusal = NotSupportedError(description="")
    document = problem(await api.post(f"{CLIENTS}/{CHARGE_POINT}/clear-cache", json={}), 502)
    assert document["ocpp_code"] == "NotSupported"


async def test_a_charge_point_that_does_not_answer_is_told_after_the_time_that_it_has(
    site: Site, api: httpx.AsyncClient
) -> None:
    async with connected(site.edge.ws_url, CHARGE_POINT, site.password) as station:
        await station.boot()
        station.fall_silent()
        began = time.monotonic()
        document = problem(await api.post(f"{CLIENTS}/{CHARGE_POINT}/clear-cache", json={}), 504)
        assert time.monotonic() - began >= 2
    assert document["type"].endswith("no-answer-in-time")
    assert document["hint"]


async def test_a_connection_that_breaks_fails_the_open_call_at_once(site: Site, api: httpx.AsyncClient) -> None:
    async with connected(site.edge.ws_url, CHARGE_POINT, site.password) as station:
        await station.boot()
        silent = station.fall_silent()
        asking = asyncio.create_task(api.post(f"{CLIENTS}/{CHARGE_POINT}/clear-cache", json={}))
        await asyncio.wait_for(silent.get(), 20)
        began = time.monotonic()
        station.websocket.transport.abort()
        document = problem(await asyncio.wait_for(asking, 20), 504)
        waited_s = time.monotonic() - began
    assert document["type"].endswith("connection-broke")
    assert "may or may not have obeyed" in document["hint"]
    assert waited_s < 1.9  # the call's own time of 2 s had not passed


async def test_an_answer_that_comes_too_late_does_not_answer_the_next_call(
    station: Station, api: httpx.AsyncClient
) -> None:
    swallowed = station.fall_silent()
    problem(await api.post(f"{CLIENTS}/{CHARGE_POINT}/clear-cache", json={}), 504)
    late = json.loads(await swallowed.get())[1]
    second = asyncio.create_task(api.post(f"{CLIENTS}/{CHARGE_POINT}/clear-cache", json={}))
    fresh = json.loads(await asyncio.wait_for(swallowed.get(), 20))[1]
    assert fresh != late
    await station.websocket.send(json.dumps([3, late, {"status": "Rejected"}]))
    await station.websocket.send(json.dumps([3, fresh, {"status": "Accepted"}]))
    assert (await second).json() == {"status": "Accepted"}


async def test_a_path_that_is_not_there_is_a_problem_document(api: httpx.AsyncClient) -> None:
    problem(await api.post(f"{CLIENTS}/{CHARGE_POINT}/explode", json={}), 404)
    problem(await api.get(f"{CLIENTS}/{CHARGE_POINT}/reset"), 405)
