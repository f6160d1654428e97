"""K72: every operation over REST with every answer that its enumeration allows, CALLERROR, silence and a broken line.

The operations come from the contract's table and the answers from the official schemas, so that none can be forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest
from ocpp import exceptions
from ocpp.charge_point import snake_to_camel_case

from contract.operations import OPERATIONS
from edge.ocpp16.schemas import schema
from tests.conformance.conftest import CHARGE_POINT, Site
from tests.harness.operations import BODIES
from tests.harness.station import ANSWERS, Station, connected

CLIENT = f"central-system/clients/{CHARGE_POINT}"
REFUSALS: list[type[exceptions.OCPPError]] = [
    exceptions.NotImplementedError,
    exceptions.NotSupportedError,
    exceptions.InternalError,
    exceptions.ProtocolError,
    exceptions.SecurityError,
    exceptions.FormationViolationError,
    exceptions.PropertyConstraintViolationError,
    exceptions.OccurenceConstraintViolationError,
    exceptions.TypeConstraintViolationError,
    exceptions.GenericError,
]
"""Every code of OCPP-J 1.6 §4.2.3 "CallError", as it is spelled there."""


def statuses(action: str) -> list[str]:
    """The words that the official schema allows as `status`; none where the answer has no status."""
    official = schema(f"{action}Response")
    status = official.get("properties", {}).get("status", {})
    if "$ref" in status:
        status = official["definitions"][status["$ref"].rpartition("/")[2]]
    return list(status.get("enum", ()))


@pytest.mark.parametrize("path", sorted(OPERATIONS))
async def test_k72_every_answer_of_an_operation_comes_back(station: Station, api: httpx.AsyncClient, path: str) -> None:
    action = OPERATIONS[path].action
    standard = ANSWERS[action]
    answers = [standard | {"status": status} for status in statuses(action)] or [standard]
    for answered in answers:
        station.answers[action] = answered
        answer = await api.post(f"{CLIENT}/{path}", json=BODIES[path])
        assert (answer.status_code, answer.json()) == (200, snake_to_camel_case(answered))
    assert [asked for asked, _ in station.asked] == [action] * len(answers)


@pytest.mark.parametrize("path", sorted(OPERATIONS))
async def test_k72_every_call_error_of_an_operation_is_told(
    station: Station, api: httpx.AsyncClient, path: str
) -> None:
    for refusal in REFUSALS:
        station.refusal = refusal(description="not now")
        answer = await api.post(f"{CLIENT}/{path}", json=BODIES[path])
        assert (answer.status_code, answer.json()["ocpp_code"]) == (502, refusal.code)
        assert answer.json()["ocpp_description"] == "not now"
    station.refusal = None
    assert (await api.post(f"{CLIENT}/{path}", json=BODIES[path])).status_code == 200


async def test_k72_silence_is_told_whatever_was_asked(site: Site, api: httpx.AsyncClient) -> None:
    passwords = {path: await asyncio.to_thread(site.edge.add_charge_point, path) for path in OPERATIONS}
    async with contextlib.AsyncExitStack() as lines:
        for path, password in passwords.items():
            station = await lines.enter_async_context(connected(site.edge.ws_url, path, password))
            await station.boot()
            station.fall_silent()
        asking = [api.post(f"central-system/clients/{path}/{path}", json=BODIES[path]) for path in OPERATIONS]
        answers = await asyncio.gather(*asking)
    assert {answer.status_code for answer in answers} == {504}
    assert {answer.json()["type"] for answer in answers} == {"urn:gardu:problem:no-answer-in-time"}
    assert all(answer.json()["hint"] for answer in answers)


@pytest.mark.parametrize("path", sorted(OPERATIONS))
async def test_k72_a_line_that_breaks_is_told(site: Site, api: httpx.AsyncClient, path: str) -> None:
    async with connected(site.edge.ws_url, CHARGE_POINT, site.password) as station:
        await station.boot()
        swallowed = station.fall_silent()
        asking = asyncio.create_task(api.post(f"{CLIENT}/{path}", json=BODIES[path]))
        await asyncio.wait_for(swallowed.get(), 30)
        station.websocket.transport.abort()
        answer = await asyncio.wait_for(asking, 30)
    assert (answer.status_code, answer.json()["type"]) == (504, "urn:gardu:problem:connection-broke")
    assert "may or may not have obeyed" in answer.json()["hint"]


@pytest.mark.parametrize("path", sorted(OPERATIONS))
async def test_k72_an_answer_that_breaks_the_schema_is_passed_on_as_it_came(
    station: Station, api: httpx.AsyncClient, path: str
) -> None:
    odd = {"status": "Perhaps", "fileName": "x" * 600, "listVersion": "three", "vendorsOwn": [None, 1.5]}
    station.raw_answers[OPERATIONS[path].action] = odd
    answer = await api.post(f"{CLIENT}/{path}", json=BODIES[path])
    assert (answer.status_code, answer.json()) == (200, odd)
