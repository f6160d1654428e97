"""An outage drill cuts the link, and tells what came of it."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest

from contract.streams import Stream
from edge.domain.drill import Drill
from edge.store.readers import Readers
from edge.sync.drill import CUT, DrilledCarrier
from edge.sync.https import HttpsCarrier
from edge.sync.packing import Packed
from edge.sync.proof import SharedSecret
from edge.sync.pushing import Edge
from edge.sync.syncer import LinkCondition, Syncer
from tests.integration.edge_link.cloud_server import SECRET, CloudServer
from tests.integration.edge_link.conftest import QUICK, Site, running, until


async def reported(carrier: DrilledCarrier) -> Drill:
    report = await carrier.report()
    assert report is not None
    return report


@pytest.fixture
def carrier(site: Site, cloud: CloudServer) -> DrilledCarrier:
    real = HttpsCarrier(base_url=cloud.url, edge="north", proof=SharedSecret(SECRET))
    return DrilledCarrier(real, site.readers, site.clock)


def syncer_of(site: Site, carrier: DrilledCarrier) -> Syncer:
    site.syncer = Syncer(
        edge=Edge("north", "0.1.0"),
        writer=site.writer,
        readers=site.readers,
        clock=site.clock,
        carrier=carrier,
        pace=QUICK,
        wait_s=5.0,
    )
    return site.syncer


async def test_nothing_goes_up_while_the_link_is_cut_and_all_of_it_afterwards(
    site: Site, cloud: CloudServer, carrier: DrilledCarrier
) -> None:
    syncer = syncer_of(site, carrier)
    async with running(syncer.run()):
        await site.record(Stream.LEDGER, 3)
        await until(lambda: site.acknowledged(Stream.LEDGER) == 3)
        assert await carrier.report() is None
        await carrier.begin(3_600)
        await site.record(Stream.LEDGER, 20)
        await site.record(Stream.METER, 5)
        await until(lambda: syncer.status().condition is LinkCondition.OFFLINE)
        assert "outage drill" in (syncer.status().last_error or "")
        assert len(cloud.events(Stream.LEDGER)) == 3
        during = await reported(carrier)
        assert (during.ended_at, during.drained_at, during.waiting) == (None, None, 25)
        carrier.end()
        while (await reported(carrier)).drained_at is None:
            await asyncio.sleep(0.05)
    after = await reported(carrier)
    assert {stream.value: count for stream, count in after.events.items()} == {"ledger": 20, "state": 0, "meter": 5}
    assert len(cloud.events(Stream.LEDGER)) == 23
    assert after.waiting == 0
    assert after.drained_s is not None
    await carrier.close()


async def test_a_drill_ends_by_itself_and_a_second_one_begins_anew(site: Site, carrier: DrilledCarrier) -> None:
    async with running(syncer_of(site, carrier).run()):
        await carrier.begin(0.2)
        assert carrier.is_cut
        await until(lambda: not carrier.is_cut)
        first = await reported(carrier)
        await carrier.begin(3_600)
        assert (await reported(carrier)).began_at > first.began_at
    await carrier.close()


async def test_a_carrier_that_sends_before_it_waits_sends_nothing_while_the_link_is_cut(
    site: Site, cloud: CloudServer
) -> None:
    class SendsAtOnce(HttpsCarrier):
        """As the MQTT carrier does, which publishes before it first waits."""

        sent = 0

        async def push(self, batch: Packed) -> Any:
            self.sent += 1
            return await super().push(batch)

    real = SendsAtOnce(base_url=cloud.url, edge="north", proof=SharedSecret(SECRET))
    carrier = DrilledCarrier(real, site.readers, site.clock)
    await carrier.begin(3_600)
    assert await carrier.push(Packed(b"", None)) is CUT
    assert real.sent == 0
    await carrier.close()


async def test_a_store_that_cannot_be_read_at_its_end_does_not_leave_the_link_cut(
    site: Site, carrier: DrilledCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(self: Readers, query: object) -> None:
        del self, query
        raise sqlite3.OperationalError("disk I/O error")

    await carrier.begin(3_600)
    with monkeypatch.context() as broken:
        broken.setattr(Readers, "run", unreadable)
        carrier.end()
        await until(lambda: not carrier.is_cut)
    async with asyncio.timeout(30):
        while (report := await reported(carrier)).drained_at is None:
            await asyncio.sleep(0.05)
    assert report.ended_at is not None
    await carrier.close()
