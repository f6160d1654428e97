"""PostgreSQL, and the cloud on it, are killed at random moments between insert, commit and answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.campus import CHARGE_POINTS, Campus, load
from tests.faults.conftest import Scale
from tests.faults.figures import Figures
from tests.faults.judge import Book
from tests.harness.postgres import Postgres, killable_postgres
from tests.harness.processes import Cloud, Edge

pytestmark = pytest.mark.timeout(7_200)


@pytest.fixture
def on_postgres(tmp_path: Path) -> Iterator[tuple[Campus, Postgres]]:
    with killable_postgres() as postgres:
        cloud = Cloud.create(tmp_path / "cloud", database_url=postgres.url)
        with cloud.start():
            edge = Edge.create(
                tmp_path / "edge",
                cloud_url=cloud.url,
                cloud_secret=cloud.secrets["north"],
                CLOUD__LONGEST_WAIT_S="2",
                LOG__LEVEL="ERROR",
            )
            with edge.start():
                site = Campus(cloud, edge)
                site.furnish()
                yield site, postgres


@pytest.mark.measures("cloud-killed", "cloud on PostgreSQL")
async def test_a_killed_database_loses_and_doubles_nothing(
    on_postgres: tuple[Campus, Postgres], scale: Scale, figures: Figures
) -> None:
    site, postgres = on_postgres
    chance, kills = random.Random(6), {"database": 0, "cloud": 0}

    async def disturb(book: Book) -> None:
        for number in range(scale.pick(6, 200)):
            await load(book, 50)
            await asyncio.sleep(chance.uniform(0.0, 0.5))
            if number % 3 == 2:
                await asyncio.to_thread(site.cloud.kill)
                await asyncio.to_thread(site.cloud.start)
                kills["cloud"] += 1
            else:
                await asyncio.to_thread(postgres.kill)
                await asyncio.to_thread(postgres.start)
                kills["database"] += 1

    book = await site.charge_while(disturb)
    assert book.connections == CHARGE_POINTS, "no charge point noticed"
    verdict = site.judge(book)
    figures.record(
        kills_of_the_database=kills["database"],
        of_the_cloud=kills["cloud"],
        records=book.records,
        **verdict.figures,
    )
    assert not verdict, verdict
