"""The turnstile in front of the link: what it lets in, what it sends away, and how."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from cloud.app import create_app
from cloud.auth.admission import Admission, Urgency
from cloud.auth.service import create_admin
from cloud.auth.turnstile import urgency_of
from cloud.db.database import Database
from cloud.sites.service import add_site
from contract.events import AuthorizationDecided
from contract.link import STREAM_HEADER
from contract.problems import Problem
from contract.streams import Stream
from tests.harness.plain_http import PLAIN
from tests.integration.cloud.conftest import Campus, Hands

_WITHIN_S = 60.0


@pytest.fixture
def admission() -> Admission:
    return Admission(most_at_work=2, patience_s=0.05)


@pytest.fixture
async def busy(database: Database, clock: Hands, admission: Admission) -> AsyncIterator[Campus]:
    """A cloud whose two places are both taken."""
    key = create_admin(database, "tester", clock())
    secret = add_site(database, "tower", "Landmark Tower", clock()).secret
    transport = httpx.ASGITransport(create_app(database, clock=clock, admission=admission))
    async with httpx.AsyncClient(verify=PLAIN, transport=transport, base_url="http://localhost") as client:
        admission.arrive(Urgency.LEDGER, 0.0)
        admission.arrive(Urgency.LEDGER, 0.0)
        yield Campus(database, clock, client, key, secret)


async def test_an_edge_is_told_when_to_come_again_and_is_taken_then(busy: Campus, admission: Admission) -> None:
    refused = await busy.edge.greet()
    assert refused.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert int(refused.headers["Retry-After"]) >= 1
    problem = Problem.model_validate_json(refused.content)
    assert problem.type == "urn:gardu:problem:too-busy"
    assert problem.hint
    admission.left(Urgency.LEDGER, 0.01)
    assert (await busy.edge.greet()).status_code == httpx.codes.OK
    busy.edge.record(AuthorizationDecided(charge_point="CP1", id_tag="A", status="Accepted", reason="known"))
    assert (await busy.edge.push(Stream.LEDGER)).status_code == httpx.codes.OK
    assert admission.at_work == 1


async def test_people_and_probes_pass_beside_it(busy: Campus) -> None:
    assert (await busy.get("sites")).status_code == httpx.codes.OK
    assert (await busy.client.get("/healthz")).is_success


async def test_an_edge_that_waits_for_commands_holds_no_place(busy: Campus, admission: Admission) -> None:
    admission.left(Urgency.LEDGER, 0.01)
    admission.left(Urgency.LEDGER, 0.01)
    admission.patience_s = _WITHIN_S
    polls = [asyncio.create_task(busy.edge.pull(wait=50)) for _ in range(5)]
    async with asyncio.timeout(_WITHIN_S):
        while admission.at_work or len(busy.database.bell.waiting()) < 1:
            await asyncio.sleep(0.01)
    busy.database.bell.close()
    assert [answer["items"] for answer in await asyncio.gather(*polls)] == [[]] * 5
    assert admission.at_work == 0


async def test_a_batch_that_comes_slowly_holds_no_place(busy: Campus, admission: Admission) -> None:
    admission.left(Urgency.LEDGER, 0.01)
    admission.left(Urgency.LEDGER, 0.01)
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        reading.set()
        await go_on.wait()
        yield b"{}"

    path = "/api/v1/edges/tower/events"
    headers = {**busy.edge.headers, "Content-Type": "application/x-ndjson", STREAM_HEADER: "meter"}
    sending = asyncio.create_task(busy.client.post(path, content=slowly(), headers=headers))
    async with asyncio.timeout(_WITHIN_S):
        await reading.wait()
        while admission.at_work:
            await asyncio.sleep(0.01)
        go_on.set()
        assert (await sending).status_code == httpx.codes.BAD_REQUEST
    assert (admission.at_work, admission.bulk_at_work) == (0, 0)


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/api/v1/edges/a/greeting", {}, Urgency.GREETING),
        ("/api/v1/edges/a/events", {STREAM_HEADER: "ledger"}, Urgency.LEDGER),
        ("/api/v1/edges/a/events", {STREAM_HEADER: "meter"}, Urgency.METER),
        ("/api/v1/edges/a/events", {}, Urgency.STATE),
        ("/api/v1/edges/a/events", {STREAM_HEADER: "nonsense"}, Urgency.STATE),
        ("/api/v1/edges/a/directory/id_tags", {}, Urgency.DIRECTORY),
        ("/api/v1/edges/a/commands", {}, Urgency.COMMANDS),
        ("/api/v1/edges/a/live", {}, Urgency.LIVE),
        ("/api/v1/edges/a/epochs", {}, None),
        ("/api/v1/sites", {}, None),
    ],
)
def test_an_old_edge_says_no_stream_and_is_taken_all_the_same(
    path: str, headers: dict[str, str], expected: Urgency | None
) -> None:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    assert urgency_of({"type": "http", "path": path, "headers": raw}) is expected
