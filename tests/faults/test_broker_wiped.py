"""The broker forgets everything that it has acknowledged, again and again: its word was never believed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.campus import Campus, load
from tests.faults.conftest import Scale
from tests.faults.figures import Figures
from tests.faults.judge import Book
from tests.harness.broker import Broker, require_mosquitto
from tests.harness.processes import Cloud, Edge

pytestmark = pytest.mark.timeout(7_200)

PASSWORD = "north-s-own-password-at-the-broker"


@pytest.fixture
def behind_a_broker(tmp_path: Path) -> Iterator[tuple[Campus, Broker]]:
    broker = Broker(tmp_path / "broker", require_mosquitto(), {"north": PASSWORD})
    broker.start()
    try:
        cloud = Cloud.create(tmp_path / "cloud")
        cloud.environment |= broker.cloud_settings
        edge = Edge.create(
            tmp_path / "edge",
            cloud_url=broker.url,
            cloud_secret=PASSWORD,
            CLOUD__CA=str(broker.ca),
            CLOUD__LONGEST_WAIT_S="2",
        )
        with cloud.start(), edge.start():
            site = Campus(cloud, edge)
            site.furnish()
            yield site, broker
    finally:
        broker.kill()


@pytest.mark.measures("broker-wiped")
async def test_a_wiped_broker_loses_and_doubles_nothing(
    behind_a_broker: tuple[Campus, Broker], scale: Scale, figures: Figures
) -> None:
    site, broker = behind_a_broker
    chance, wipes = random.Random(11), scale.pick(5, 200)

    async def disturb(book: Book) -> None:
        for _ in range(wipes):
            await load(book, 50)
            await asyncio.sleep(chance.uniform(0.0, 0.5))
            await asyncio.to_thread(broker.kill)  # it keeps nothing on disk: this wipes it
            await asyncio.to_thread(broker.start)

    book = await site.charge_while(disturb)
    verdict = site.judge(book)
    figures.record(wipes=wipes, records=book.records, **verdict.figures)
    assert not verdict, verdict
