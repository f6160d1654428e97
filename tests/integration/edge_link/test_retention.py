"""What leaves the edge's disk is never missing without a word, and nothing is counted twice: against the real cloud."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contract.events import MeterValuesSampled, SecurityEventRecorded, Skipped
from contract.streams import Stream
from edge.domain.timestamps import iso
from edge.store import identity, outbox, set_aside
from edge.sync.syncer import LinkCondition
from tests.integration.edge_link.conftest import Site, until
from tests.integration.edge_link.real_cloud import RealCloud
from tests.integration.edge_link.wall_clock import BEGIN, WallClock, housekeeper, meter, rows, set_by_hand


@pytest.fixture
def wall(site: Site) -> WallClock:
    return set_by_hand(site)


@asynccontextmanager
async def linked(site: Site, cloud: RealCloud, secret: str, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """Bring everything up, then read what the cloud made of it."""
    heads = {stream: head.head for stream, head in site.readers.run_now(outbox.heads).items()}
    async with (
        cloud.running(),
        site.link(cloud.url, secret=secret) as syncer,
        httpx.AsyncClient(base_url=cloud.url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client,
    ):
        await until(
            lambda: (
                syncer.status().condition is LinkCondition.CONNECTED
                and all(syncer.status().streams[stream].acknowledged >= head for stream, head in heads.items())
            ),
            within_s=30,
        )
        yield client


async def sampled(client: httpx.AsyncClient, charge_point: str) -> list[tuple[str, str]]:
    answer = await client.get(
        "/api/v1/meter-values", params={"site": "north", "charge_point": charge_point, "limit": 1000}
    )
    assert answer.is_success, answer.text
    return sorted((item["sampled_at"][:16], item["samples"][0]["value"]) for item in answer.json()["items"])


async def test_thinned_values_arrive_with_their_range_and_the_stream_goes_on(
    site: Site, wall: WallClock, real_cloud: RealCloud
) -> None:
    secret, key = real_cloud.enrolled()
    await meter(site, wall, minutes=50)
    await housekeeper(site, wall, 0.90).tidy()
    kept = rows(site)
    assert [event["type"] for event in kept[:3]] == [Skipped.TYPE] * 3, "the three whole quarters are thinned"
    assert [event["data"]["count"] for event in kept[:3]] == [30, 30, 30]
    assert len(kept) == 3 + 10, "the quarter that runs stays whole"
    async with linked(site, real_cloud, secret, key) as client:
        values = await sampled(client, "CP-1")
        assert [value for _, value in values] == ["0", "14", "15", "29", "30", "44", "45", "46", "47", "48", "49"]
        sites = (await client.get("/api/v1/sites")).json()["items"]
        assert sites[0]["link"]["streams"]["meter"]["skipped"] == 90
        assert sites[0]["link"]["streams"]["meter"]["dead_letters"] == 0


async def test_the_good_ones_of_thinned_values_arrive_and_the_stream_goes_on(
    site: Site, wall: WallClock, real_cloud: RealCloud
) -> None:
    secret, key = real_cloud.enrolled()
    await meter(site, wall, minutes=3)
    poison = {"sampled_at": "0000-00-00T00:00:00Z", "samples": [{"measurand": "Power.Active.Import", "value": "999"}]}
    data = json.dumps({"charge_point": "CP-1", "connector_id": 1, "values": [poison]}).encode()
    broken = outbox.Draft(MeterValuesSampled.TYPE, Stream.METER, "edge", iso(wall.at), data)
    await site.writer.run(lambda tx: tx.emit_draft(broken))
    await meter(site, wall, minutes=27)
    await housekeeper(site, wall, 0.90).tidy()
    thinned = rows(site)[0]
    assert (thinned["type"], thinned["data"]["first"], thinned["seq"]) == (Skipped.TYPE, 1, 31)
    async with linked(site, real_cloud, secret, key) as client:
        sites = (await client.get("/api/v1/sites")).json()["items"]
        assert sites[0]["link"]["streams"]["meter"]["skipped"] == 61, "all of both quarters"
        assert [value for _, value in await sampled(client, "CP-1")] == ["0", "11", "12", "26"]
        assert sites[0]["link"]["streams"]["meter"]["dead_letters"] == 1, "for the sake of the one that nobody can read"
    assert rows(site)[0] == thinned


async def test_thinned_values_that_a_cloud_refuses_are_set_aside_together(site: Site, wall: WallClock) -> None:
    await meter(site, wall, minutes=30)
    await housekeeper(site, wall, 0.90).tidy()
    thinned = rows(site)[0]
    assert await site.writer.run(
        lambda tx: outbox.set_aside(tx.connection, Stream.METER, 1, why="not readable", now=BEGIN)
    )
    stands = rows(site)[0]
    same = ("first", "last", "count", "hash_after")
    assert [stands["data"][name] for name in same] == [thinned["data"][name] for name in same]
    assert (stands["seq"], stands["data"]["kept"]) == (30, [])
    [aside] = site.readers.run_now(lambda connection: set_aside.page(connection, before=None, limit=10))
    assert (aside.stream, aside.seq, json.loads(aside.event)) == (Stream.METER, 30, thinned)
    again = await site.writer.run(lambda tx: set_aside.send_again(tx, wall.now(), limit=10))
    assert again == (0, 1), "a range that has passed does not come again under a new number"


async def test_what_nobody_meant_is_not_set_aside(site: Site, wall: WallClock) -> None:
    await meter(site, wall, minutes=30, charge_points=1)
    await housekeeper(site, wall, 0.90).tidy()
    await meter(site, wall, minutes=2, charge_points=1)
    await site.writer.run(
        lambda tx: tx.connection.execute("DELETE FROM outbox WHERE stream = ? AND seq = 31", (Stream.METER,))
    )

    async def put_aside(seq: int) -> bool:
        return await site.writer.run(
            lambda tx: outbox.set_aside(tx.connection, Stream.METER, seq, why="not readable", now=BEGIN)
        )

    assert [event["seq"] for event in rows(site)] == [15, 30, 32]
    assert not await put_aside(31), "there is no such event; the one behind it is another"
    assert not await put_aside(33), "there is none yet"
    assert await put_aside(16)
    assert not await put_aside(16), "it brings nothing any more"
    assert [len(event["data"]["kept"]) for event in rows(site)[:2]] == [2, 0]


async def test_values_that_came_whole_are_not_counted_again_when_they_are_thinned_later(
    site: Site, wall: WallClock, real_cloud: RealCloud
) -> None:
    secret, key = real_cloud.enrolled()
    await meter(site, wall, minutes=10, charge_points=1)
    async with linked(site, real_cloud, secret, key):
        pass
    await site.writer.run(  # the cloud committed, and its answers were lost
        lambda tx: tx.connection.execute("UPDATE stream SET acknowledged = 0")
    )
    await meter(site, wall, minutes=20, charge_points=1)
    await housekeeper(site, wall, 0.90).tidy()
    assert rows(site)[0]["data"]["first"] == 1
    async with linked(site, real_cloud, secret, key) as client:
        values = await sampled(client, "CP-0")
    assert len(values) == len(set(values))
    assert [int(value) for _, value in values[:10]] == list(range(10))


async def test_when_thinning_is_not_enough_the_oldest_go_and_the_ledger_stays(
    site: Site, wall: WallClock, real_cloud: RealCloud
) -> None:
    secret, key = real_cloud.enrolled()
    await site.record(Stream.LEDGER, 20)
    await meter(site, wall, minutes=40)
    await housekeeper(site, wall, 0.97).tidy()
    assert [(event["type"], event["data"]["count"]) for event in rows(site)] == [(Skipped.TYPE, 80)]
    assert len(rows(site, Stream.LEDGER)) == 20
    async with linked(site, real_cloud, secret, key) as client:
        assert await sampled(client, "CP-1") == []
        streams = (await client.get("/api/v1/sites")).json()["items"][0]["link"]["streams"]
        assert (streams["meter"]["skipped"], streams["ledger"]["cursor"]) == (80, 20)


async def test_it_stops_as_soon_as_there_is_room(site: Site, wall: WallClock) -> None:
    await meter(site, wall, minutes=60)
    await housekeeper(site, wall, [0.90, 0.90, 0.90, 0.90, 0.84]).tidy()
    assert [event["type"] for event in rows(site)].count(Skipped.TYPE) == 1


async def test_a_cloud_restored_to_before_what_is_kept_is_told_which_numbers_are_gone(
    site: Site, wall: WallClock, real_cloud: RealCloud
) -> None:
    secret, key = real_cloud.enrolled()
    await site.record(Stream.LEDGER, 5)
    async with linked(site, real_cloud, secret, key):
        pass
    real_cloud.back_up()
    await site.record(Stream.LEDGER, 10)
    async with linked(site, real_cloud, secret, key):
        pass
    wall.at += timedelta(days=15)
    await housekeeper(site, wall, 0.1).tidy()
    assert rows(site, Stream.LEDGER) == []
    await site.record(Stream.LEDGER, 3)
    real_cloud.restore()
    async with linked(site, real_cloud, secret, key) as client:
        ledger = (await client.get("/api/v1/sites")).json()["items"][0]["link"]["streams"]["ledger"]
    assert (ledger["cursor"], ledger["skipped"]) == (18, 10)


async def test_a_reimaged_edge_takes_the_epoch_that_it_is_granted(site: Site, real_cloud: RealCloud) -> None:
    secret, key = real_cloud.enrolled()
    await site.record(Stream.LEDGER, 5)
    async with linked(site, real_cloud, secret, key):
        pass
    await site.writer.run(lambda tx: _forget_everything(tx.connection))
    await site.record(Stream.LEDGER, 3)
    async with linked(site, real_cloud, secret, key) as client:
        assert (await client.get("/api/v1/sites")).json()["items"][0]["link"]["epoch"] == 2
    assert site.readers.run_now(identity.read).epoch == 2


def _forget_everything(db: Any) -> None:
    db.execute("DELETE FROM outbox")
    db.execute(
        "UPDATE stream SET head = 0, head_hash = zeroblob(32), acknowledged = 0, acknowledged_hash = zeroblob(32)"
    )
    db.execute("UPDATE identity SET store_id = 'a3bb189e-8bf9-3888-9912-ace4e6543002', incarnation = NULL")


async def test_ages_by_pressure(site: Site, wall: WallClock) -> None:
    async def fill(age: timedelta) -> None:
        wall.at = BEGIN - age
        for stream in Stream:
            await site.record(stream)

    for age in (timedelta(days=20), timedelta(days=2), timedelta(hours=1)):
        await fill(age)
    wall.at = BEGIN
    await site.writer.run(lambda tx: tx.connection.execute("UPDATE stream SET acknowledged = head"))
    left = []
    for used in (0.1, 0.75, 0.82):
        await housekeeper(site, wall, used).tidy()
        left.append([len(rows(site, stream)) for stream in Stream])
    assert left == [[2, 2, 2], [1, 1, 1], [1, 0, 0]]


async def test_old_meter_values_leave_the_local_history(site: Site, wall: WallClock) -> None:
    def write(tx: Any) -> None:
        for days in range(400):
            tx.connection.execute(
                "INSERT INTO meter_value VALUES (?, 'CP-1', 1, x'00', NULL, '[]')", (iso(BEGIN - timedelta(days=days)),)
            )

    await site.writer.run(write)
    await housekeeper(site, wall, 0.1).tidy()
    assert site.readers.run_now(lambda db: db.execute("SELECT count(*) FROM meter_value").fetchone()[0]) == 366


async def test_the_ballast_is_made_given_up_and_made_again(site: Site, wall: WallClock) -> None:
    keeper = housekeeper(site, wall, [0.1], ballast_bytes=1_000_000)
    await keeper.tidy()
    ballast = site.path.with_name("ballast")
    assert ballast.stat().st_size == 1_000_000
    assert ballast.stat().st_blocks * 512 >= 1_000_000, "really reserved"
    keeper.release_ballast()
    assert not ballast.exists()
    await keeper.tidy()
    assert ballast.exists()


async def test_nothing_of_the_ledger_is_lost_by_any_pressure(site: Site, wall: WallClock) -> None:
    events = [SecurityEventRecorded(kind="test", detail=str(n)) for n in range(50)]

    def write(tx: Any) -> None:
        for event in events:
            tx.emit(event, subject="edge", occurred_at=wall.at)

    await site.writer.run(write)
    wall.at += timedelta(days=4000)
    await housekeeper(site, wall, 1.0).tidy()
    assert len(rows(site, Stream.LEDGER)) == 50
