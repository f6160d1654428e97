"""Two replicas, one PostgreSQL, no stickiness: whoever answers, and whoever dies, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from cloud.db.database import POOL_SIZE
from contract.batch import Envelope
from contract.events import AuthorizationDecided, ChargePointConnected, MeterValue, MeterValuesSampled, Sample
from contract.streams import Stream
from tests.harness.plain_http import PLAIN
from tests.harness.processes import Cloud, free_port
from tests.integration.cloud.edge_double import NOON, EdgeDouble
from tests.integration.cloud.postgres import Cluster

pytestmark = pytest.mark.timeout(400)
_WITHIN_S = 60.0


class Pair:
    """Two processes on one database, and the edge that speaks to either."""

    def __init__(self, url: str, one: Cloud, other: Cloud) -> None:
        self.url = url
        self.replicas = [one, other]

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            yield connection

    def edge(self, client: httpx.AsyncClient, site: str) -> EdgeDouble:
        return EdgeDouble(client, site, self.replicas[0].secrets[site])


@pytest.fixture(scope="module")
def pair(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    name = f"r_{uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE fresh".encode())
    folder: Path = tmp_path_factory.mktemp("replicas")
    one = Cloud.create(folder / "one", sites=("north", "south", "east"), database_url=postgres.url(name))
    one.environment["GARDU_CLOUD_EDGE_REQUESTS_WAIT_S"] = "10"  # sixty polls in one moment are to be taken in
    port = free_port()
    other = replace(
        one,
        folder=folder / "other",
        environment=one.environment | {"GARDU_CLOUD_PORT": str(port)},
        ready_url=f"http://127.0.0.1:{port}/readyz",
        port=port,
    )
    with one.start(), other.start():
        yield Pair(postgres.url(name), one, other)


@asynccontextmanager
async def client(cloud: Cloud) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        verify=PLAIN, base_url=cloud.url, timeout=_WITHIN_S, limits=limits, trust_env=False
    ) as opened:
        yield opened


def decided() -> AuthorizationDecided:
    return AuthorizationDecided(charge_point="CP1", id_tag="A", status="Accepted", reason="known")


def sampled() -> MeterValuesSampled:
    value = MeterValue(sampled_at=NOON, samples=[Sample(measurand="Power.Active.Import", value="7", unit="W")])
    return MeterValuesSampled(charge_point="CP1", connector_id=1, values=[value])


async def order(cloud: Cloud, site: str) -> None:
    async with client(cloud) as operator:
        answer = await operator.post(
            f"/api/v1/sites/{site}/central-system/clients/CP1/reset",
            json={"type": "Soft"},
            headers={"Authorization": f"Bearer {cloud.api_key}"},
        )
        assert answer.is_success, answer.text


async def test_more_long_polls_than_connections_wait_at_one_replica_for_a_command_ordered_at_the_other(
    pair: Pair,
) -> None:
    here, there = pair.replicas
    async with client(there) as opened:
        edge = pair.edge(opened, "north")
        await edge.greet()
        await edge.tell(ChargePointConnected(charge_point="CP1", remote_address="10.0.0.9"))
        polls = [asyncio.create_task(edge.pull(wait=50)) for _ in range(POOL_SIZE + 20)]
        await edge.tell(*[decided()] * 20)
        async with asyncio.timeout(_WITHIN_S):
            while await asyncio.to_thread(_connections_in_use, pair):  # until all wait and nobody looks
                await asyncio.sleep(0)
        assert not any(poll.done() for poll in polls)
        await order(here, "north")
        answers = await asyncio.gather(*polls)
    assert {len(answer["items"]) for answer in answers} == {1}
    assert len({answer["items"][0]["command"] for answer in answers}) == 1


async def test_pushes_alternate_between_replicas_while_both_take_the_same_batch(pair: Pair) -> None:
    one, other = pair.replicas
    async with client(one) as first, client(other) as second:
        edge = pair.edge(first, "south")
        await edge.greet()
        for number in range(12):
            edge.client = (first, second)[number % 2]
            edge.record(decided(), sampled(), sampled())
            for stream in (Stream.LEDGER, Stream.METER):
                body = edge.outboxes[stream].batch("south", edge.cursors[stream] + 1, edge.outboxes[stream].head)
                answers = []
                for opened in (first, second):  # an impatient edge asks the other replica too
                    edge.client = opened
                    answers.append(asyncio.create_task(edge.push_body(body)))
                given = await asyncio.gather(*answers)
                assert {answer.status_code for answer in given} == {200}
                assert given[0].json() == given[1].json()
                edge.cursors[stream] = given[0].json()["cursor"]
    assert_all_there_once(pair, edge)


async def test_a_replica_killed_between_insert_commit_and_answer_loses_and_doubles_nothing(pair: Pair) -> None:
    dying, living = pair.replicas
    async with client(living) as opened:
        edge = pair.edge(opened, "east")
        await edge.greet()
        await edge.tell(decided(), sampled())
        for kill in (
            _killed_before_the_commit(pair, edge, Stream.METER),
            _killed_before_the_answer(pair, edge, Stream.LEDGER),
            _killed_at_random(pair, edge),
        ):
            edge.record(*[decided()] * 40, *[sampled()] * 40)
            await kill
            for stream in (Stream.LEDGER, Stream.METER):
                await _goes_on_at_the_other(edge, opened, stream)
            await asyncio.to_thread(dying.start)
    assert_all_there_once(pair, edge)


async def _killed_before_the_commit(pair: Pair, edge: EdgeDouble, stream: Stream) -> None:
    """The rows are inserted, and the cursor is about to move: somebody holds its row."""
    dying = pair.replicas[0]
    with pair.connected() as holder, holder.transaction():
        holder.execute("SELECT 1 FROM stream_cursor WHERE site_id = 'east' AND stream = %s FOR UPDATE", [stream.value])
        push = asyncio.create_task(_push_to(dying, edge, stream))
        async with asyncio.timeout(_WITHIN_S):
            while not await asyncio.to_thread(_somebody_waits_to_move_the_cursor, pair):
                await asyncio.sleep(0.02)
        dying.kill()
        with pytest.raises(httpx.HTTPError):
            await push


async def _killed_before_the_answer(pair: Pair, edge: EdgeDouble, stream: Stream) -> None:
    """The cursor has moved; whether an answer was on its way or not, nobody reads it."""
    dying = pair.replicas[0]
    push = asyncio.create_task(_push_to(dying, edge, stream))
    async with asyncio.timeout(_WITHIN_S):
        while await asyncio.to_thread(_cursor, pair, stream) < edge.outboxes[stream].head:
            await asyncio.sleep(0.005)
    dying.kill()
    await asyncio.gather(push, return_exceptions=True)


async def _killed_at_random(pair: Pair, edge: EdgeDouble) -> None:
    dying = pair.replicas[0]
    async with client(dying) as opened:
        edge.client = opened
        asyncio.get_running_loop().call_later(random.Random(11).uniform(0.05, 0.5), dying.kill)
        with pytest.raises(httpx.HTTPError):
            await _push_for_ever(edge)


async def _push_for_ever(edge: EdgeDouble) -> None:
    while True:
        edge.record(*[decided()] * 30, *[sampled()] * 30)
        for stream in (Stream.LEDGER, Stream.METER):
            assert (await edge.push(stream)).status_code == 200


async def _push_to(cloud: Cloud, edge: EdgeDouble, stream: Stream) -> None:
    box = edge.outboxes[stream]
    async with client(cloud) as opened:
        await opened.post(
            f"/api/v1/edges/{edge.site}/events",
            content=box.batch(edge.site, edge.cursors[stream] + 1, box.head),
            headers={**edge.headers, "Content-Type": "application/x-ndjson"},
        )


async def _goes_on_at_the_other(edge: EdgeDouble, opened: httpx.AsyncClient, stream: Stream) -> None:
    edge.client = opened
    answer = await edge.push(stream)
    assert answer.status_code == 200, answer.text
    assert edge.cursors[stream] == edge.outboxes[stream].head


def _connections_in_use(pair: Pair) -> int:
    with pair.connected() as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state <> 'idle' AND pid <> pg_backend_pid()"
        ).fetchone()
    assert found is not None
    return int(found[0])


def _somebody_waits_to_move_the_cursor(pair: Pair) -> bool:
    with pair.connected() as connection:
        waiting = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            " AND query LIKE '%stream_cursor%'"
        )
        return waiting.fetchone() is not None


def _cursor(pair: Pair, stream: Stream) -> int:
    with pair.connected() as connection:
        found = connection.execute(
            "SELECT cursor FROM stream_cursor WHERE site_id = 'east' AND stream = %s", [stream.value]
        ).fetchone()
    return found[0] if found else 0


def assert_all_there_once(pair: Pair, edge: EdgeDouble) -> None:
    """Hold what the edge recorded against what is stored."""
    with pair.connected() as connection:
        stored = [
            row[0] for row in connection.execute("SELECT event FROM ledger_event WHERE site_id = %s", [edge.site])
        ]
        values = [row[0] for row in connection.execute("SELECT seq FROM meter_value WHERE site_id = %s", [edge.site])]
    recorded = [Envelope.model_validate_json(raw).id for _, _, raw in edge.outboxes[Stream.LEDGER].lines]
    assert sorted(stored) == sorted(recorded)
    assert sorted(values) == list(range(1, edge.outboxes[Stream.METER].head + 1))
