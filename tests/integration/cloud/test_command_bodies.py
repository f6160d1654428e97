"""What may stand in the body of an operation, and in which words the rest is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.cloud.conftest import Campus

CLIENT = "sites/tower/central-system/clients/CP1"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("unlock-connector", {"connectorId": 0}, "connectorId"),
        ("unlock-connector", {}, "connectorId"),
        ("reset", {"type": "Gently"}, "type"),
        ("reset", {"type": "Soft", "force": True}, "force"),
        ("start-transaction", {"idTag": "x" * 21}, "idTag"),
        ("get-configuration", {"key": ["x" * 51]}, "key.0"),
        ("data-transfer", {"vendorId": "V", "data": "a\0"}, "data"),
        ("start-transaction", {"idTag": "\0"}, "idTag"),
    ],
)
async def test_a_body_that_breaks_the_schema_names_the_field(
    campus: Campus, path: str, body: dict[str, Any], field: str
) -> None:
    await campus.with_charge_point()
    answer: httpx.Response = await campus.post(f"{CLIENT}/{path}", body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await campus.items("commands") == []


async def test_a_body_that_is_no_json_is_refused_in_words(campus: Campus) -> None:
    answer = await campus.client.post(
        f"/api/v1/{CLIENT}/reset",
        content=b'{"type": Soft}',
        headers={**campus.headers, "Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:gardu:problem:malformed-json")
    assert "at character 9" in answer.json()["detail"]


async def test_half_a_character_is_refused(campus: Campus) -> None:
    await campus.with_charge_point()
    answer = await campus.client.post(
        f"/api/v1/{CLIENT}/data-transfer",
        content=rb'{"vendorId": "V", "data": "\ud800"}',
        headers={**campus.headers, "Content-Type": "application/json"},
    )
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["data"])
    assert await campus.items("commands") == []


async def test_a_missing_body_is_refused_where_something_is_required(campus: Campus) -> None:
    await campus.with_charge_point()
    assert (await campus.post(f"{CLIENT}/reset")).status_code == 422
    assert (await campus.post(f"{CLIENT}/clear-cache", {}, wait=0)).status_code == 202


async def test_an_integer_that_no_database_holds_is_refused(campus: Campus) -> None:
    await campus.with_charge_point()
    answer = await campus.post(f"{CLIENT}/stop-transaction", {"transactionId": 10**30}, wait=0)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "transactionId"
