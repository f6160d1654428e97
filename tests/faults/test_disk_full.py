"""The disk fills up under load, the reserve too: the ledger is whole, and what telemetry is missing says so."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.campus import Campus, campus, load
from tests.faults.conftest import Scale
from tests.faults.figures import Figures
from tests.faults.judge import Book
from tests.faults.skipped import Numbers
from tests.faults.verdict import damage
from tests.harness.power import fill_up, small_disk
from tests.harness.tcp_proxy import TcpProxy

pytestmark = pytest.mark.timeout(3_600)

SIZE_MIB = 64
BALLAST_MIB = 8
ROOM_TO_DROP_BYTES = 2 * 1024 * 1024
"""So little that the edge drops samples, and enough to write down that it did."""


@dataclass
class Crowded:
    """A campus whose edge has a small disk, and a line that can be cut."""

    site: Campus
    line: TcpProxy
    disk: Path

    @property
    def ballast(self) -> Path:
        return self.disk / "data" / "ballast"

    def dropped(self) -> int:
        """The number of the last sample that the edge let go."""
        with closing(sqlite3.connect(f"file:{self.site.edge_database}?mode=ro", uri=True, timeout=10.0)) as edge:
            return int(edge.execute("SELECT dropped FROM stream WHERE stream = 'meter'").fetchone()[0])


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Crowded]:
    with (
        small_disk(tmp_path / "disk", size_mib=SIZE_MIB) as disk,
        campus(
            tmp_path,
            proxied=True,
            DATA_DIR=str(disk / "data"),
            DISK__BALLAST_MIB=str(BALLAST_MIB),
            DISK__CHECK_EVERY_S="1",
            JOURNAL__MAX_MIB="4",
            CLOUD__LONGEST_WAIT_S="2",
        ) as (site, line),
    ):
        site.furnish()
        yield Crowded(site, line, disk)


@pytest.mark.measures("disk-full")
async def test_a_full_disk_loses_nothing_of_the_ledger_and_no_sample_without_a_word(
    crowded: Crowded, scale: Scale, figures: Figures
) -> None:
    site, recovered_after_s = crowded.site, list[float]()

    async def disturb(book: Book) -> None:
        await load(book, 100)
        await asyncio.to_thread(crowded.line.refuse)
        await asyncio.to_thread(crowded.line.reset)
        for _ in range(scale.pick(2, 20)):
            await load(book, scale.pick(300, 3_000))
            await full_for_a_while(crowded)
            crowded.disk.joinpath("filler").unlink()
            began, book.first_answer_at = time.monotonic(), None
            await load(book, 50)
            recovered_after_s.append((book.first_answer_at or time.monotonic()) - began)
        await asyncio.to_thread(crowded.line.accept)

    book = await site.charge_while(disturb)
    site.edge.wait_drained(240)
    assert site.edge.child is not None
    assert site.edge.child.poll() is None, "the edge has lived through it"
    assert set(book.stops) == set(book.starts)
    verdict = site.hold_against_cloud(book)  # offline, a charge point keeps its records; refused, it would drop them
    verdict.corrupt += [("edge.db", line) for line in damage(site.edge_database)]
    verdict.corrupt += [("dead letter", letter) for letter in site.cloud.items("/api/v1/dead-letters")]
    missing, numbers = verdict.lost_samples(), Numbers.read(site.cloud.folder / "cloud.db")
    silent, unexplained = numbers.silent(), numbers.unexplained(book)
    figures.record(
        times_full=len(recovered_after_s),
        records=book.records,
        **verdict.figures,
        samples_within_a_Skipped=len(missing),
        samples_missing_without=len(silent | numbers.skipped_twice) + len(unexplained),
        answers_again_after_s=max(recovered_after_s),
    )
    assert not verdict, verdict
    assert not silent, "numbers that neither came nor were skipped"
    assert not numbers.skipped_twice
    assert not unexplained, "samples that are missing without a word"
    assert numbers.cursor == site.edge.outbox()["meter"]["head"]
    assert missing, "no sample has gone: the disk was not full"


async def full_for_a_while(crowded: Crowded) -> None:
    """Fill the disk, see the reserve given up and the oldest samples dropped, and fill that, too."""
    with suppress(TimeoutError):  # after long outages what the edge keeps leaves no room for a reserve
        async with asyncio.timeout(10):
            while not crowded.ballast.exists():
                await asyncio.sleep(0.05)
    before = crowded.dropped()
    async with asyncio.timeout(120):
        while crowded.ballast.exists():
            await asyncio.to_thread(fill_up, crowded.disk)
            await asyncio.sleep(0.1)
        while crowded.dropped() == before:
            await asyncio.to_thread(fill_up, crowded.disk, leave_bytes=ROOM_TO_DROP_BYTES)
            await asyncio.sleep(0.1)
    until = time.monotonic() + 3.0
    while time.monotonic() < until:
        await asyncio.to_thread(fill_up, crowded.disk)
        await asyncio.sleep(0.1)
