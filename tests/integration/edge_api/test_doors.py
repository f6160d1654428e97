from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from edge.api.doors import MAX_BODY, ApiKey, Doors
from edge.domain import keys
from tests.integration.edge_api.site import Site, problem

CLIENTS = "/api/v1/central-system/clients"
JSON = {"Content-Type": "application/json"}
GUARDED = [CLIENTS, "/api/v1/charge-points", "/api/v1/outbox", "/docs", "/openapi.json", "/nowhere"]


def _key(name: str, text: str) -> ApiKey:
    return ApiKey(name, name.encode(), keys.hash_key(text.encode(), name.encode()))


@pytest.fixture
async def keyed(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    doors = Doors(frozenset({"edge.campus"}), (_key("console", "k-one"), _key("night watch", "k-two")))
    async with site.client(doors) as client:
        client.base_url = httpx.URL("https://edge.campus")
        yield client


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:3000", "127.0.0.1:3000", "[::1]:3000", "[::1]"])
async def test_loopback_names_are_answered(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get(CLIENTS, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "localhost.evil.example", "", "a b", "::1"])
async def test_a_rebound_name_is_not_answered(client: httpx.AsyncClient, host: str, path: str) -> None:
    problem(await client.get(path, headers={"Host": host}), 421, "wrong-host")


async def test_two_host_headers_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get(CLIENTS, headers=[("Host", "localhost"), ("Host", "localhost")])
    problem(answer, 421, "wrong-host")


async def test_a_configured_name_is_answered(site: Site) -> None:
    async with site.client(Doors(frozenset({"Gardu.Building-A", "fd00::7"}))) as client:
        for host in ("gardu.building-a:3000", "[fd00::7]:3000", "localhost"):
            assert (await client.get(CLIENTS, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost:8000",
        "http://localhost",
        "https://localhost",
        "file://",
        "localhost:3000",
        "http://localhost:3000/",
        "http://evil@localhost:3000",
    ],
)
async def test_a_foreign_origin_may_neither_read_nor_write(client: httpx.AsyncClient, site: Site, origin: str) -> None:
    problem(await client.get(CLIENTS, headers={"Origin": origin}), 403, "foreign-origin")
    problem(await client.post(f"{CLIENTS}/123/clear-cache", headers={"Origin": origin}), 403, "foreign-origin")
    problem(await client.options(CLIENTS, headers={"Origin": origin}), 403, "foreign-origin")
    assert site.played.asked == []


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:3000", "http://localhost:3000"),
        ("LOCALHOST:3000", "http://localhost:3000"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
        ("localhost", "https://localhost"),
        ("[::1]:3000", "http://[::1]:3000"),
    ],
)
async def test_the_same_origin_may(client: httpx.AsyncClient, host: str, origin: str) -> None:
    headers = {"Host": host, "Origin": origin}
    assert (await client.post(f"{CLIENTS}/123/clear-cache", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json", ""]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_body_that_does_not_say_json_is_refused(
    client: httpx.AsyncClient, site: Site, method: str, media_type: str
) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    answer = await client.request(method, f"{CLIENTS}/123/reset", content=b'{"type":"Soft"}', headers=headers)
    problem(answer, 415, "not-json")
    assert site.played.asked == []


async def test_json_may_name_its_charset(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    answer = await client.post(f"{CLIENTS}/123/reset", content=b'{"type":"Soft"}', headers=headers)
    assert answer.status_code == 200


async def test_a_body_of_unknown_length_has_to_be_json_too(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"type":"Soft"}'

    problem(await client.post(f"{CLIENTS}/123/reset", content=chunks()), 415, "not-json")


async def test_a_body_that_is_too_long_is_refused_before_it_is_read(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{CLIENTS}/123/reset", content=b" " * (MAX_BODY + 1), headers=JSON)
    problem(answer, 413, "body-too-large")


async def test_a_body_that_grows_too_long_is_refused(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * (MAX_BODY // 8)

    problem(await client.post(f"{CLIENTS}/123/reset", content=chunks(), headers=JSON), 413, "http-413")


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer", "Basic k-one", "k-one", "Bearer k-one k-two", "é"])
async def test_off_loopback_nothing_opens_without_a_key(
    keyed: httpx.AsyncClient, path: str, header: str | None
) -> None:
    headers = [] if header is None else [(b"Authorization", header.encode("latin-1"))]
    answer = await keyed.get(path, headers=headers)
    document = problem(answer, 401, "not-signed-in")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "k-one" not in str(document)


@pytest.mark.parametrize("key", ["k-one", "k-two"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_each_key_opens(keyed: httpx.AsyncClient, scheme: str, key: str) -> None:
    assert (await keyed.get(CLIENTS, headers={"Authorization": f"{scheme} {key}"})).status_code == 200


async def test_a_key_does_not_open_for_a_rebound_name(keyed: httpx.AsyncClient) -> None:
    headers = {"Authorization": "Bearer k-one", "Host": "evil.example"}
    problem(await keyed.get(CLIENTS, headers=headers), 421, "wrong-host")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_is_open_to_all_and_tells_nothing(keyed: httpx.AsyncClient, path: str) -> None:
    answer = await keyed.get(path, headers={"Host": "10.0.0.7:3000"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/healthz/../api/v1/outbox", "/%68ealthz", "/healthz/", "//healthz"])
async def test_nothing_else_passes_for_health(keyed: httpx.AsyncClient, path: str) -> None:
    answer = await keyed.send(keyed.build_request("GET", httpx.URL("https://edge.campus", raw_path=path.encode())))
    assert answer.status_code == 401


async def test_a_websocket_finds_no_door(site: Site) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/api", "raw_path": b"/api", "headers": [], "query_string": b""}
    await site.api()(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
