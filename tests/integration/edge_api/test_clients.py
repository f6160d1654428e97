from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from contract.operations import OPERATIONS
from edge.errors import (
    CallFailedError,
    CallTimeoutError,
    GarduEdgeError,
    LocalProtocolError,
    NoConnectorError,
    NotConnectedError,
    StoreUnavailableError,
    TooLateError,
    UnknownChargePointError,
    UnreadableAnswerError,
)
from tests.harness.operations import BODIES
from tests.integration.edge_api.site import Site, problem

CLIENTS = "/api/v1/central-system/clients"

ASKED: list[tuple[str, dict[str, Any] | None]] = [
    *BODIES.items(),
    ("clear-cache", None),
    ("get-configuration", None),
    ("get-local-list-version", None),
]


async def test_clients_are_the_identities_connected_now(client: httpx.AsyncClient, site: Site) -> None:
    site.played.identities = ["b", "123", "a"]
    answer = await client.get(CLIENTS)
    assert answer.status_code == 200
    assert answer.json() == ["123", "a", "b"]


@pytest.mark.parametrize(("path", "body"), ASKED)
async def test_an_operation_carries_its_ocpp_payload_and_answers_what_the_charge_point_answered(
    client: httpx.AsyncClient, site: Site, path: str, body: dict[str, Any] | None
) -> None:
    site.played.answer = {"status": "Scheduled", "vendorsOwn": 1}
    answer = await (
        client.post(f"{CLIENTS}/123/{path}") if body is None else client.post(f"{CLIENTS}/123/{path}", json=body)
    )
    assert (answer.status_code, answer.json()) == (200, site.played.answer)
    assert answer.headers["content-type"] == "application/json"
    assert site.played.asked == [("123", OPERATIONS[path].action, body or {})]


async def test_every_row_of_the_contract_has_its_path(site: Site) -> None:
    paths = site.api().openapi()["paths"]
    assert {path.rpartition("/")[2] for path in paths if path.startswith(f"{CLIENTS}/")} == set(OPERATIONS)


@pytest.mark.parametrize("identity", ["ID0122120103", "a/b", "50% off", "é ü", "%2F"])
async def test_an_identity_is_decoded_once(client: httpx.AsyncClient, site: Site, identity: str) -> None:
    answer = await client.post(f"{CLIENTS}/{quote(identity, safe='')}/clear-cache")
    assert answer.status_code == 200
    assert site.played.asked[0][0] == identity


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (UnknownChargePointError("The charge point 9 is not known at this site."), 404, "unknown-charge-point"),
        (NotConnectedError("The charge point 123 has no connection."), 409, "not-connected"),
        (NoConnectorError("No connector of 123 is free."), 409, "no-free-connector"),
        (CallFailedError("NotSupported", "no."), 502, "call-error"),
        (UnreadableAnswerError(), 502, "unreadable-answer"),
        (CallTimeoutError("The charge point 123 did not answer within 30 s."), 504, "no-answer-in-time"),
        (TooLateError("Too late."), 504, "too-late"),
        (
            StoreUnavailableError("The database did not take a commit.", hint="Check the disk."),
            503,
            "store-unavailable",
        ),
        (LocalProtocolError("secret inner workings"), 500, "internal"),
        (GarduEdgeError("secret inner workings"), 500, "internal"),
    ],
)
async def test_each_failure_is_its_problem(
    client: httpx.AsyncClient, site: Site, error: Exception, status: int, kind: str
) -> None:
    site.played.error = error
    document = problem(await client.post(f"{CLIENTS}/123/reset", json={"type": "Hard"}), status, kind)
    assert "secret" not in str(document)


async def test_a_call_error_tells_the_charge_points_own_words(client: httpx.AsyncClient, site: Site) -> None:
    site.played.error = CallFailedError("GenericError", "the contactor is welded")
    answer = await client.post(f"{CLIENTS}/123/reset", json={"type": "Hard"})
    assert answer.json()["ocpp_code"] == "GenericError"
    assert answer.json()["ocpp_description"] == "the contactor is welded"


async def test_an_error_that_knows_a_hint_keeps_it(client: httpx.AsyncClient, site: Site) -> None:
    site.played.error = NotConnectedError("It is not there.", hint="Push the button.")
    answer = await client.post(f"{CLIENTS}/123/clear-cache")
    assert answer.json()["hint"] == "Push the button."


async def test_an_unforeseen_failure_tells_nothing_of_the_inside(site: Site) -> None:
    site.played.error = RuntimeError("secret inner workings")
    async with site.client(raising=False) as client:
        document = problem(await client.post(f"{CLIENTS}/123/clear-cache"), 500, "internal")
    assert "secret" not in str(document)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("change-availability", {"connectorId": -1, "type": "Inoperative"}, "connectorId"),
        ("change-availability", {"connectorId": "1", "type": "Inoperative"}, "connectorId"),
        ("change-availability", {"type": "Inoperative"}, "connectorId"),
        ("change-availability", {"connectorId": 1, "type": "Broken"}, "type"),
        ("start-transaction", {"idTag": "x" * 21}, "idTag"),
        ("start-transaction", {"idTag": "1", "connectorId": 0}, "connectorId"),
        ("stop-transaction", {"transactionId": 1.5}, "transactionId"),
        ("reset", {"type": "Soft", "extra": 1}, "extra"),
        ("clear-cache", {"extra": 1}, "extra"),
        ("get-configuration", {"key": ["x" * 51]}, "key.0"),
        ("reset", [], "body"),
        ("reset", None, "body"),
    ],
)
async def test_a_body_that_breaks_the_schema_names_the_field_as_on_the_wire(
    client: httpx.AsyncClient, site: Site, path: str, body: Any, field: str
) -> None:
    document = problem(await client.post(f"{CLIENTS}/123/{path}", json=body), 422, "invalid-request")
    assert [error["field"] for error in document["errors"]] == [field]
    assert site.played.asked == []


async def test_a_missing_body_is_named(client: httpx.AsyncClient) -> None:
    document = problem(await client.post(f"{CLIENTS}/123/reset"), 422, "invalid-request")
    assert document["errors"][0]["field"] == "body"


@pytest.mark.parametrize("body", [None, {}, {"id": None}])
async def test_k77_clear_charging_profile_without_a_field_is_refused_with_what_to_do(
    client: httpx.AsyncClient, site: Site, body: Any
) -> None:
    document = problem(await client.post(f"{CLIENTS}/123/clear-charging-profile", json=body), 422, "invalid-request")
    if body is not None:
        assert document["errors"][0]["message"].startswith("name at least one of id, connectorId")
    assert document["hint"]
    assert site.played.asked == []


@pytest.mark.parametrize("text", [b'{"type": "Soft"', b"", b"[1,]", b"nonsense"])
async def test_malformed_json_is_said_to_be_so(client: httpx.AsyncClient, text: bytes) -> None:
    answer = await client.post(
        f"{CLIENTS}/123/reset", content=text or b" ", headers={"Content-Type": "application/json"}
    )
    document = problem(answer, 400, "malformed-json")
    assert document["detail"].startswith("The body is not JSON: ")


@pytest.mark.parametrize("text", [b'{"type": "\xff"}', b"[" * 60_000, b'{"type": ' + b"9" * 5000 + b"}"])
async def test_a_body_that_no_parser_takes_is_a_problem_of_the_sender(client: httpx.AsyncClient, text: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.post(f"{CLIENTS}/123/reset", content=text, headers=headers)
    problem(answer, 400, "malformed-json")


async def test_a_path_that_nobody_knows_is_a_problem(client: httpx.AsyncClient) -> None:
    problem(await client.get("/api/v2"), 404, "http-404")
    problem(await client.post(f"{CLIENTS}/123/explode"), 404, "http-404")


async def test_a_wrong_method_is_a_problem_that_names_the_right_one(client: httpx.AsyncClient) -> None:
    answer = await client.put(f"{CLIENTS}/123/reset", json={})
    problem(answer, 405, "http-405", hint=False)
    assert answer.headers["allow"] == "POST"
