"""Who is let in, who is not, and what they are told."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from anyio.to_thread import current_default_thread_limiter, run_sync

from cloud.auth.doors import MOST_BYTES, MOST_BYTES_OF_MANY
from contract.problems import Problem
from tests.integration.cloud.conftest import Campus

READS = ["sites", "charge-points", "transactions", "meter-values", "commands", "sites/tower/central-system/clients"]
PIECE = b" " * 65_536


def is_problem(answer: httpx.Response, status: int) -> Problem:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(answer.content)
    assert problem.status == status
    assert problem.type.startswith("urn:gardu:problem:")
    return problem


@pytest.mark.parametrize("path", READS)
async def test_reading_needs_an_api_key(campus: Campus, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": f"Bearer {campus.key}x"}):
        answer = await campus.client.get(f"/api/v1/{path}", headers=headers)
        assert is_problem(answer, 401).hint
        assert answer.headers["www-authenticate"].startswith("Bearer")
    is_problem(await campus.client.get(f"/api/v1/{path}", headers=campus.edge.headers), 403)


async def test_an_edge_speaks_for_its_own_path_only(campus: Campus) -> None:
    other = campus.another_edge("annex")
    assert (await other.greet()).status_code == 200
    other.site = "tower"
    is_problem(await other.greet(), 403)
    is_problem(await other.push_body(b""), 403)
    is_problem(await campus.client.get("/api/v1/edges/tower/commands", headers=other.headers), 403)


@pytest.mark.parametrize("how", ["none", "wrong", "api key", "basic"])
async def test_the_link_needs_the_edges_secret(campus: Campus, how: str) -> None:
    secret = campus.edge.headers["Authorization"]
    shown = {"none": {}, "wrong": {"Authorization": secret[:-1]}, "api key": campus.headers}
    headers = shown.get(how, {"Authorization": "Basic dG93ZXI6eA=="})
    expected = 403 if how == "api key" else 401
    is_problem(await campus.client.post("/api/v1/edges/tower/greeting", json={}, headers=headers), expected)
    events = {**headers, "Content-Type": "application/x-ndjson"}
    is_problem(await campus.client.post("/api/v1/edges/tower/events", content=b"{}", headers=events), expected)
    is_problem(await campus.client.get("/api/v1/edges/tower/commands", headers=headers), expected)


async def test_a_foreign_host_is_refused(campus: Campus) -> None:
    for host in ("evil.example", "", "localhost.evil.example", "[::1"):
        answer = await campus.client.get("/api/v1/sites", headers={**campus.headers, "Host": host})
        assert "GARDU_CLOUD_ALLOWED_HOSTS" in str(is_problem(answer, 421).hint)
    for host in ("localhost:8080", "127.0.0.1", "[::1]:8080", "LOCALHOST"):
        answer = await campus.client.get("/api/v1/sites", headers={**campus.headers, "Host": host})
        assert answer.status_code == 200


async def test_health_is_told_to_everybody_and_tells_nothing(campus: Campus) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await campus.client.get(path, headers={"Host": "10.1.2.3:8080"})
        assert (answer.status_code, answer.content) == (204, b"")


async def test_a_page_of_another_origin_may_not_write(campus: Campus) -> None:
    path = "/api/v1/sites/tower/central-system/clients/CP1/clear-cache"
    for origin in ("http://evil.example", "null", "http://localhost:3000", "http://["):
        is_problem(await campus.client.post(path, headers={**campus.headers, "Origin": origin}), 403)
    own = await campus.client.post(path, headers={**campus.headers, "Origin": "http://localhost"})
    is_problem(own, 404)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_writes_must_be_json(campus: Campus, media_type: str) -> None:
    path = "/api/v1/sites/tower/central-system/clients/CP1/reset"
    headers = {**campus.headers, "Content-Type": media_type}
    is_problem(await campus.client.post(path, content=b'{"type":"Soft"}', headers=headers), 415)


async def test_json_that_is_none_is_a_problem(campus: Campus) -> None:
    path = "/api/v1/sites/tower/central-system/clients/CP1/reset"
    headers = {**campus.headers, "Content-Type": "application/json"}
    is_problem(await campus.client.post(path, content=b'{"type":', headers=headers), 400)


async def test_a_nul_in_an_address_is_refused(campus: Campus) -> None:
    is_problem(await campus.client.get("/api/v1/charge-points/tower/a%00b", headers=campus.headers), 422)
    is_problem(await campus.client.get("/api/v1/transactions?site=a%00b", headers=campus.headers), 422)


async def test_liveness_does_not_wait_for_worker_threads(campus: Campus) -> None:
    threads, done = current_default_thread_limiter(), threading.Event()

    async def occupy() -> None:
        await run_sync(done.wait)

    async with anyio.create_task_group() as tasks:
        try:
            for _ in range(int(threads.total_tokens)):
                tasks.start_soon(occupy)
            with anyio.fail_after(10):
                while threads.available_tokens:
                    await anyio.sleep(0.01)
                assert (await campus.client.get("/healthz")).status_code == 204
        finally:
            done.set()


async def test_a_database_that_is_away_is_said_so(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    campus.database.engine.dispose()
    url = campus.database.engine.url.set(database="/nowhere/at/all" if campus.database.is_sqlite else "nowhere")
    broken = type(campus.database)(url.render_as_string(hide_password=False))
    for attribute in ("engine", "_write_engine", "_read_engine"):
        monkeypatch.setattr(campus.database, attribute, getattr(broken, attribute))
    answer = await campus.get("sites")
    is_problem(answer, 503)
    assert answer.headers["retry-after"] == "5"
    assert (await campus.client.get("/readyz")).status_code == 503
    assert (await campus.client.get("/healthz")).status_code == 204
    broken.close()


@pytest.mark.parametrize("path", ["greeting", "live", "keys", "events"])
@pytest.mark.parametrize("known", [True, False])
async def test_nobody_fills_the_memory_with_a_body_that_no_request_needs(
    campus: Campus, path: str, *, known: bool
) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(256):
            given += len(PIECE)
            yield PIECE

    headers = (campus.edge.headers if known else {}) | {"Content-Type": "application/json"}
    where = f"/api/v1/edges/tower/{path}"
    whole = await campus.client.post(where, content=PIECE * 66, headers=headers)
    assert "Send at most" in str(is_problem(whole, 413).hint)
    piecewise = await campus.client.post(where, content=endless(), headers=headers)
    if path == "events":  # it asks who sends it before it reads
        is_problem(piecewise, 413 if known else 401)
    else:
        assert "Send at most" in str(is_problem(piecewise, 413).hint)
    assert given <= (MOST_BYTES_OF_MANY if path in {"events", "live"} else MOST_BYTES) + len(PIECE)


async def test_the_largest_body_that_a_request_may_have_is_read_whole(campus: Campus) -> None:
    note = "\N{ELECTRIC PLUG}" * 500
    tags = [
        {"id_tag": f"CARD{number}", "status": "Accepted", "sites": ["tower"], "note": note} for number in range(1000)
    ]
    answer = await campus.post("id-tags", tags)
    assert answer.json() == {"written": 1000, "new": 1000}
    headers = {**campus.headers, "Content-Type": "application/json"}
    body = b'{"status":"Accepted"}'.ljust(MOST_BYTES)
    assert (await campus.client.put("/api/v1/id-tags/ONE", content=body, headers=headers)).status_code == 201
    refused = await campus.client.put("/api/v1/id-tags/TWO", content=body + b" ", headers=headers)
    assert is_problem(refused, 413).type == "urn:gardu:problem:body-too-large"
