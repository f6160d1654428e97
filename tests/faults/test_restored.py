"""Disks that come back from the past: of the cloud, of the edge, and an empty one. No number twice, nothing lost."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.campus import Campus, campus, load
from tests.faults.conftest import Scale
from tests.faults.figures import Figures
from tests.faults.judge import Book
from tests.faults.orders import Orders
from tests.harness.processes import Edge

pytestmark = pytest.mark.timeout(3_600)

ORDERS = 6
"""Commands that end in the hours that the cloud loses."""

FEW = 3
"""Charge points: an edge begins its transaction numbers at the time in seconds, and these must not run far ahead."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Campus]:
    with campus(tmp_path, CLOUD__LONGEST_WAIT_S="2") as (made, _):
        made.furnish(FEW)
        yield made


async def charge(site: Campus, records: int) -> Book:
    """Let everybody charge for a while, and wait until the cloud has it."""

    async def a_while(book: Book) -> None:
        await load(book, records)

    book = await site.charge_while(a_while)
    assert not book.refused
    await asyncio.to_thread(site.edge.wait_drained, 240)
    return book


def together(*books: Book) -> Book:
    """One book of several lives; a number that two of them were given was reused."""
    whole = Book()
    for book in books:
        whole.reused += [*book.reused, *(set(whole.starts) & set(book.starts))]
        whole.starts |= book.starts
        whole.stops |= book.stops
        whole.samples |= book.samples
    return whole


async def until_the_clock_has_passed(book: Book) -> None:
    """Wait until less than one transaction a second was begun, as at any real site: numbers count on that."""
    highest = max(number for _, number in book.starts)
    while time.time() <= highest:
        await asyncio.sleep(0.5)


def reused_numbers(site: Campus) -> list[tuple[int, int]]:
    """Numbers of an epoch that the cloud has more than one event for."""
    with closing(sqlite3.connect(f"file:{site.cloud.folder / 'cloud.db'}?mode=ro", uri=True)) as cloud:
        rows = cloud.execute("SELECT epoch, seq FROM ledger_event GROUP BY epoch, seq HAVING count(*) > 1")
        return rows.fetchall()


def hold_against_the_cloud(site: Campus, book: Book, figures: Figures) -> None:
    """Compare, record, and assert that all was kept."""
    verdict, reused = site.hold_against_cloud(book), reused_numbers(site)
    verdict.corrupt += [("dead letter", letter) for letter in site.cloud.items("/api/v1/dead-letters")]
    figures.record(records=book.records, **verdict.figures, numbers_reused=len(reused))
    assert not verdict, verdict
    assert not reused


def put_back(folder: Path, name: str, backup: Path) -> None:
    for file in folder.glob(f"{name}*"):
        file.unlink()
    shutil.copy(backup, folder / name)


def back_up(database: Path, backup: Path) -> None:
    with closing(sqlite3.connect(database)) as before, closing(sqlite3.connect(backup)) as after:
        before.backup(after)


@pytest.mark.measures("restored", "cloud restored")
async def test_a_cloud_restored_from_a_backup_gets_back_what_it_lacks(
    site: Campus, tmp_path: Path, scale: Scale, figures: Figures
) -> None:
    records, backup = scale.pick(300, 20_000), tmp_path / "backup.db"
    orders = Orders(site, seed=7)
    before = await charge(site, records)
    await asyncio.to_thread(back_up, site.cloud.folder / "cloud.db", backup)

    async def disturb(book: Book) -> None:  # it comes back while charge points charge
        await load(book, records)
        await orders.give(ORDERS, per_s=20)
        await orders.all_final(120)
        await asyncio.to_thread(site.cloud.kill)
        put_back(site.cloud.folder, "cloud.db", backup)
        await asyncio.to_thread(site.cloud.start)
        await load(book, records)

    after = await site.charge_while(disturb)
    await asyncio.to_thread(site.edge.wait_drained, 240)
    book = together(before, after)
    hold_against_the_cloud(site, book, figures)
    assert (await orders.all_final(120)).total() == ORDERS, "commands of the lost hours are known again"
    assert orders.held_against(after) == ([], [])


@pytest.mark.measures("restored", "edge re-imaged")
async def test_an_edge_with_an_empty_disk_begins_another_epoch(site: Campus, scale: Scale, figures: Figures) -> None:
    records = scale.pick(40, 2_000)
    before = await charge(site, records)
    site.edge.kill()
    shutil.rmtree(site.edge.folder / "data")
    with site.edge.start():
        await asyncio.to_thread(site.furnish, FEW)
        await until_the_clock_has_passed(before)
        book = together(before, await charge(site, records))
        hold_against_the_cloud(site, book, figures)
    assert site.cloud.items("/api/v1/sites")[0]["link"]["epoch"] == 2


@pytest.mark.measures("restored", "edge restored")
async def test_an_edge_restored_from_a_backup_goes_on_under_another_epoch(
    site: Campus, tmp_path: Path, scale: Scale, figures: Figures
) -> None:
    records, backup = scale.pick(40, 2_000), tmp_path / "edge-backup.db"
    before = await charge(site, records)
    await asyncio.to_thread(back_up, site.edge.folder / "data" / "edge.db", backup)
    lived = await charge(site, records)
    site.edge.kill()
    put_back(site.edge.folder / "data", "edge.db", backup)
    with site.edge.start():
        await until_the_clock_has_passed(lived)
        book = together(before, lived, await charge(site, records))
        hold_against_the_cloud(site, book, figures)
    assert site.cloud.items("/api/v1/sites")[0]["link"]["epoch"] == 2


@pytest.mark.measures("restored", "edge cloned")
async def test_a_cloned_edge_is_noticed_and_both_go_on_charging(
    site: Campus, tmp_path: Path, scale: Scale, figures: Figures
) -> None:
    records = scale.pick(30, 1_000)
    before = await charge(site, records)
    site.edge.kill()
    shutil.copytree(site.edge.folder / "data", tmp_path / "clone" / "data")
    secret = site.cloud.secrets["north"]
    clone = Edge.create(tmp_path / "clone", cloud_url=site.cloud.url, cloud_secret=secret, CLOUD__LONGEST_WAIT_S="2")
    clone.module = "tests.faults.another_machine"
    (tmp_path / "clone" / "boot_id").write_text("6f1d0f8e-5a35-4a0f-9b8e-2f3c5d7e9a11\n")
    with site.edge.start(), clone.start():
        other = Campus(site.cloud, clone, site.passwords)
        books = [await charge_locally(one, records) for one in (site, other, site)]
        async with asyncio.timeout(120):
            while site.cloud.items("/api/v1/sites")[0]["link"]["locked_at"] is None:
                books.append(await charge_locally(site, records))
        books.append(await charge_locally(other, records))
    told, refused = sum(book.records for book in (before, *books)), [frame for book in books for frame in book.refused]
    reused = reused_numbers(site)
    figures.record(
        records=told,
        refused_at_either=len(refused),
        numbers_reused=len(reused),
        locked="yes",
    )
    assert not refused, "charging goes on, whoever is locked out"
    assert not reused


async def charge_locally(site: Campus, records: int) -> Book:
    """Let everybody charge for a while, whatever the cloud says."""

    async def a_while(book: Book) -> None:
        await load(book, records)

    return await site.charge_while(a_while)
