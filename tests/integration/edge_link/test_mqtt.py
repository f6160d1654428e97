"""The same link through a real broker to the real cloud: TLS, a password and an access list for each edge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from contract.streams import Stream
from edge.store import id_tags
from edge.sync.carrier import Refused, Unavailable
from edge.sync.carriers import carrier_to
from edge.sync.pushing import Edge
from edge.sync.syncer import LinkCondition, Syncer
from tests.harness.broker import Broker, require_mosquitto
from tests.integration.edge_link.conftest import QUICK, Site, running, until
from tests.integration.edge_link.real_cloud import RealCloud
from tests.integration.edge_link.test_commands import Yard

PASSWORDS = {"north": "north-s-own-password-at-the-broker", "south": "south-s-own-password-at-the-broker"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker", require_mosquitto(), PASSWORDS)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def cloud_behind(real_cloud: RealCloud, broker: Broker) -> RealCloud:
    real_cloud.env |= broker.cloud_settings
    return real_cloud


@asynccontextmanager
async def linked(site: Site, broker: Broker, *, password: str | None = None) -> AsyncIterator[Syncer]:
    carrier = carrier_to(broker.url, edge="north", secret=password or PASSWORDS["north"], ca=broker.ca)
    carrier._timeout_s = 5.0  # type: ignore[attr-defined]
    site.syncer = Syncer(
        edge=Edge("north", "0.1.0"),
        writer=site.writer,
        readers=site.readers,
        clock=site.clock,
        carrier=carrier,
        on_commands=lambda: None if site.relay is None else site.relay.wake(),
        pace=QUICK,
        wait_s=20.0,
    )
    try:
        async with running(site.syncer.run()):
            yield site.syncer
    finally:
        site.syncer = None
        await carrier.close()


def all_acknowledged(site: Site, count: int) -> bool:
    return all(site.acknowledged(stream) >= count for stream in Stream)


async def test_events_go_up_and_a_command_comes_down_through_the_broker(
    site: Site, cloud_behind: RealCloud, broker: Broker
) -> None:
    _, key = cloud_behind.enrolled()
    yard = Yard()
    async with (
        cloud_behind.running(),
        site.relaying(yard.perform),
        linked(site, broker) as syncer,
        httpx.AsyncClient(base_url=cloud_behind.url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client,
    ):
        for stream in Stream:
            await site.record(stream, 1_200)
        await until(lambda: all_acknowledged(site, 1_200), within_s=60)
        assert syncer.status().condition is LinkCondition.CONNECTED
        path = "/api/v1/sites/north/central-system/clients/CP-1200/reset"
        answer = await client.post(path, params={"wait": 15}, json={"type": "Soft"})
        assert (answer.status_code, answer.json()) == (200, {"status": "Accepted"}), answer.text
        streams = (await client.get("/api/v1/sites")).json()["items"][0]["link"]["streams"]
        assert streams["state"]["cursor"] == 1_200
        assert streams["state"]["dead_letters"] == 0
    assert yard.calls == [("CP-1200", "Reset", {"type": "Soft"})]


async def test_the_directory_comes_down_through_the_broker_and_the_bell_rings_for_a_blocked_id_tag(
    site: Site, cloud_behind: RealCloud, broker: Broker
) -> None:
    _, key = cloud_behind.enrolled()

    def status() -> str | None:
        found = site.readers.run_now(lambda connection: id_tags.find(connection, "ann"))
        return None if found is None else found.status

    headers = {"Authorization": f"Bearer {key}"}
    async with (
        cloud_behind.running(),
        linked(site, broker),
        httpx.AsyncClient(base_url=cloud_behind.url, headers=headers, timeout=60) as client,
    ):
        await client.put("/api/v1/id-tags/ANN", json={"status": "Accepted", "sites": ["north"]})
        await until(lambda: status() == "Accepted", within_s=60)
        await client.put("/api/v1/id-tags/ANN", json={"status": "Blocked", "sites": ["north"]})
        await until(lambda: status() == "Blocked", within_s=60)


async def test_a_broker_that_forgets_everything_loses_and_doubles_nothing(
    site: Site, cloud_behind: RealCloud, broker: Broker
) -> None:
    _, key = cloud_behind.enrolled()
    async with cloud_behind.running(), linked(site, broker):
        for wipes in range(1, 4):
            for stream in Stream:
                await site.record(stream, 500)
            await until(lambda wipes=wipes: site.acknowledged(Stream.LEDGER) > (wipes - 1) * 500, within_s=60)  # type: ignore[misc]
            broker.kill()
            await asyncio.sleep(0.2)
            broker.start()
        await until(lambda: all_acknowledged(site, 1_500), within_s=60)
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
            streams = (await client.get(f"{cloud_behind.url}/api/v1/sites")).json()["items"][0]["link"]["streams"]
    assert [streams[stream.value]["cursor"] for stream in Stream] == [1_500, 1_500, 1_500]


async def test_a_cloud_that_is_killed_with_requests_at_the_broker_loses_and_doubles_nothing(
    site: Site, cloud_behind: RealCloud, broker: Broker
) -> None:
    cloud_behind.enrolled()
    async with linked(site, broker) as syncer:
        for kills in range(1, 3):
            async with cloud_behind.running() as process:
                for stream in Stream:
                    await site.record(stream, 700)
                await until(lambda kills=kills: site.acknowledged(Stream.LEDGER) > (kills - 1) * 700, within_s=60)  # type: ignore[misc]
                process.kill()
        async with cloud_behind.running():
            await until(lambda: all_acknowledged(site, 1_400), within_s=60)
        assert syncer.status().condition is not LinkCondition.FORKED


async def test_a_wrong_password_is_refused_and_nothing_of_it_is_said(site: Site, broker: Broker) -> None:
    async with linked(site, broker, password="a-wrong-password-for-the-broker") as syncer:
        await until(lambda: syncer.status().condition is LinkCondition.REFUSED, within_s=30)
        assert "a-wrong-password" not in (syncer.status().last_error or "")


async def test_a_broker_that_is_away_is_said_to_be_away(site: Site, broker: Broker) -> None:
    broker.kill()
    async with linked(site, broker) as syncer:
        await until(lambda: syncer.status().condition is LinkCondition.OFFLINE, within_s=30)
        assert "broker" in (syncer.status().last_error or "")


async def test_an_edge_cannot_speak_for_another_one(site: Site, cloud_behind: RealCloud, broker: Broker) -> None:
    cloud_behind.enrolled()
    thief = carrier_to(broker.url, edge="south", secret=PASSWORDS["south"], ca=broker.ca)
    thief._edge = "north"  # type: ignore[attr-defined]
    thief._timeout_s = 3.0  # type: ignore[attr-defined]
    async with cloud_behind.running():
        outcome = await thief.pull_commands(0, wait_s=0.1)
        assert isinstance(outcome, Refused | Unavailable), outcome
    await thief.close()
