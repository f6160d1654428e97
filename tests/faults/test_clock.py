"""The edge's clock steps by years and back while charge points charge: order stays, and nothing expires by it."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.campus import Campus, load
from tests.faults.conftest import Scale
from tests.faults.figures import Figures
from tests.faults.judge import Book
from tests.faults.orders import Orders
from tests.harness.processes import Cloud, Edge

pytestmark = pytest.mark.timeout(3_600)

LIBRARY = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
STEPS = {"10 years back": "-10y", "1 year ahead": "+1y", "1 hour back": "-1h"}


class BentClock:
    """The wall clock of one process, through libfaketime; the machine's own stays as it is."""

    def __init__(self, folder: Path) -> None:
        if LIBRARY is None:
            if os.environ.get("CI") == "true":
                pytest.fail("CI needs libfaketime (apt-get install faketime)")
            pytest.skip("libfaketime is not installed: wrong clocks are left out")
        self._file = folder / "faketime"
        self.step("+0")
        self.environment = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, offset: str) -> None:
        """Let the process believe another time from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(offset + "\n")
        new.replace(self._file)


@pytest.fixture
def bent(tmp_path: Path) -> Iterator[tuple[Campus, BentClock]]:
    clock = BentClock(tmp_path)
    with Cloud.create(tmp_path / "cloud").start() as cloud:
        edge = Edge.create(
            tmp_path / "edge", cloud_url=cloud.url, cloud_secret=cloud.secrets["north"], DISK__CHECK_EVERY_S="1"
        )
        edge.environment |= clock.environment
        with edge.start():
            site = Campus(cloud, edge)
            site.furnish()
            yield site, clock


@pytest.mark.measures("clock")
async def test_a_clock_that_steps_changes_no_order_and_lets_nothing_expire(
    bent: tuple[Campus, BentClock], scale: Scale, figures: Figures
) -> None:
    site, clock = bent
    orders = Orders(site, seed=5)
    steps = 0

    async def disturb(book: Book) -> None:
        nonlocal steps
        await load(book, 50)
        await site.catch_up()  # the cloud knows the charge points now
        for offset in (*STEPS.values(), "+0") * scale.pick(1, 10):
            await load(book, 60)
            giving = asyncio.create_task(orders.give(6, per_s=20.0))
            clock.step(offset)
            steps += 1
            await load(book, 60)
            await giving
            await asyncio.to_thread(site.edge.kill)  # and it starts with the wrong time, too
            await asyncio.to_thread(site.edge.start)
            await orders.give(4, per_s=20.0)
            await load(book, 30)
        ends.update(await orders.all_final(within_s=120))

    ends: dict[str, int] = {}
    book = await site.charge_while(disturb)
    verdict = site.judge(book)
    twice, late = orders.held_against(book)
    ordered = in_the_order_of_the_ledger(site)
    told = sorted(book.told_at, key=book.told_at.__getitem__)
    disordered = [
        charge_point
        for charge_point in site.passwords
        if [key for key in ordered if key[0] == charge_point] != [key for key in told if key[0] == charge_point]
    ]
    figures.record(
        steps=steps,
        records=book.records,
        **verdict.figures,
        charge_points_out_of_order=len(disordered),
        commands=len(orders.given),
        expired=ends.get("EXPIRED", 0),
    )
    assert not verdict, verdict
    assert not disordered
    assert (twice, late, ends.get("EXPIRED", 0)) == ([], [], 0)


def in_the_order_of_the_ledger(site: Campus) -> list[tuple[str, int]]:
    """The starts as the cloud has them, by the numbers of their events."""
    with closing(sqlite3.connect(f"file:{site.cloud.folder / 'cloud.db'}?mode=ro", uri=True)) as cloud:
        rows = cloud.execute("SELECT raw FROM ledger_event WHERE type LIKE 'TransactionStarted.%' ORDER BY epoch, seq")
        events = [json.loads(raw)["data"] for (raw,) in rows]
    return [(event["charge_point"], event["transaction_id"]) for event in events]
