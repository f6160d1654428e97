"""The power is cut under load: what was not synced is thrown away, and what was acknowledged is there."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.campus import CHARGE_POINTS, Campus, load
from tests.faults.conftest import Scale
from tests.faults.figures import Figures
from tests.faults.judge import Book
from tests.faults.verdict import compare
from tests.harness.power import CuttableDisk
from tests.harness.processes import Cloud, Edge

pytestmark = pytest.mark.timeout(7_200)

RECORDS = 60
CONTROL_ROUNDS = 3


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[CuttableDisk]:
    with CuttableDisk.create(tmp_path / "power") as disk:
        yield disk


async def cut(disk: CuttableDisk, edge: Edge) -> None:
    """Stop the edge where it is, take what the disk has, and start it again on that."""
    os.kill(edge.pid, signal.SIGSTOP)
    remains = await asyncio.to_thread(disk.copy)
    await asyncio.to_thread(edge.kill)
    await asyncio.to_thread(disk.put_in, remains)
    await asyncio.to_thread(edge.start)


def edge_on(disk: CuttableDisk, folder: Path, cloud: Cloud | None = None) -> Edge:
    to_the_cloud = {} if cloud is None else {"cloud_url": cloud.url, "cloud_secret": cloud.secrets["north"]}
    return Edge.create(folder, **to_the_cloud, DATA_DIR=str(disk.mounted / "data"), LOG__LEVEL="ERROR")


@pytest.mark.measures("power-cut", "synchronous=FULL")
async def test_what_was_acknowledged_survives_a_power_cut(
    disk: CuttableDisk, tmp_path: Path, scale: Scale, figures: Figures
) -> None:
    cuts = scale.pick(4, 100)
    with Cloud.create(tmp_path / "cloud").start() as cloud, edge_on(disk, tmp_path / "edge", cloud).start() as edge:
        site = Campus(cloud, edge)
        site.furnish()
        chance = random.Random(4)

        async def disturb(book: Book) -> None:
            for number in range(cuts):
                await load(book, RECORDS)
                await asyncio.sleep(chance.uniform(0.0, 0.3))
                await cut(disk, edge)
                print(f"cut {number + 1} of {cuts}: {book.records} records acknowledged so far", flush=True)

        book = await site.charge_while(disturb)
        assert book.connections >= CHARGE_POINTS * (cuts + 1)
        verdict = site.judge(book)
    figures.record(cuts=cuts, records=book.records, **verdict.figures)
    assert not verdict, verdict


@pytest.mark.measures("power-cut", "control, synchronous=OFF")
async def test_without_syncing_a_power_cut_does_lose(disk: CuttableDisk, tmp_path: Path, figures: Figures) -> None:
    """The control: the same cut of the same load, with an edge that does not wait for the disk."""
    edge = edge_on(disk, tmp_path / "edge")
    edge.module = "tests.faults.unsynced_edge"
    lost, told = 0, 0
    for _ in range(CONTROL_ROUNDS):
        if (disk.mounted / "data").exists():  # each round begins with a disk that has what it should have
            edge.kill()
            for file in (disk.mounted / "data").iterdir():
                file.unlink()
        with edge.start():
            site = Campus(Cloud("cloud.cli", tmp_path, {}, ""), edge)
            site.furnish()
            await asyncio.to_thread(disk.sync)  # charge points and keys are on the disk; what comes now is not
            book = await charge_until_cut(site, disk)
            told += book.records
            lost += lost_at_least(book, edge)
        if lost:
            break
    assert lost, "The power cut has thrown nothing away: this test would not notice an edge that does not sync."
    figures.record(records=told, acknowledged_lost=lost)


async def charge_until_cut(site: Campus, disk: CuttableDisk) -> Book:
    """Let everybody charge until the power goes; nobody sends anything again."""
    books: list[Book] = []

    async def disturb(book: Book) -> None:
        books.append(book)
        await load(book, 4 * RECORDS)
        os.kill(site.edge.pid, signal.SIGSTOP)
        raise Cut

    try:
        await site.charge_while(disturb)
    except* Cut:
        pass
    remains = await asyncio.to_thread(disk.copy)
    await asyncio.to_thread(site.edge.kill)
    await asyncio.to_thread(disk.put_in, remains)
    return books[0]


class Cut(Exception):  # noqa: N818 - no error: the end of the load
    pass


def lost_at_least(book: Book, edge: Edge) -> int:
    """Transactions that were acknowledged and are not there; all of them where the database cannot be read any more."""
    try:
        edge.start()
    except AssertionError:
        return len(book.starts)
    return len([one for one in compare(book, edge.items("/api/v1/transactions"), []).lost if one[0] == "start"])
