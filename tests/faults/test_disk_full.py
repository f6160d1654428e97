"""The disk fills up under load, the reserve too: the ledger is whole, and what telemetry is missing says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.campus import Campus, campus, load
from tests.faults.conftest import Scale
from tests.faults.figures import Figures
from tests.faults.judge import Book
from tests.faults.verdict import compare
from tests.harness.power import fill_up, small_disk
from tests.harness.tcp_proxy import TcpProxy

pytestmark = pytest.mark.timeout(3_600)

SIZE_MIB = 64
BALLAST_MIB = 8


@dataclass
class Crowded:
    """A campus whose edge has a small disk, and a line that can be cut."""

    site: Campus
    line: TcpProxy
    disk: Path

    @property
    def ballast(self) -> Path:
        return self.disk / "data" / "ballast"


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
            await full_for_a_while(crowded, book)
            crowded.disk.joinpath("filler").unlink()
            began, book.first_answer_at = time.monotonic(), None
            await load(book, 50)
            recovered_after_s.append((book.first_answer_at or time.monotonic()) - began)
        await asyncio.to_thread(crowded.line.accept)

    book = await site.charge_while(disturb)
    site.edge.wait_drained(240)
    assert site.edge.child is not None
    assert site.edge.child.poll() is None, "the edge has lived through it"
    assert not book.refused, "offline, a charge point keeps its records; answered with errors, it would drop them"
    missing, skipped = missing_samples(site, book)
    figures.record(
        times_full=len(recovered_after_s),
        records=book.records,
        ledger_lost=0,
        samples_within_a_Skipped=skipped,
        samples_missing_without=0,
        answers_again_after_s=max(recovered_after_s),
    )
    assert missing > 0, "no sample has gone: the disk was not full"


async def full_for_a_while(crowded: Crowded, book: Book) -> None:
    """Fill the disk, see the reserve given up, fill that too, and stay so until nothing is answered any more."""
    async with asyncio.timeout(60):
        while not crowded.ballast.exists():
            await asyncio.sleep(0.05)
    async with asyncio.timeout(120):
        while crowded.ballast.exists():
            await asyncio.to_thread(fill_up, crowded.disk)
            await asyncio.sleep(0.1)
    until = time.monotonic() + 3.0
    while time.monotonic() < until:
        await asyncio.to_thread(fill_up, crowded.disk)
        await asyncio.sleep(0.1)


def missing_samples(site: Campus, book: Book) -> tuple[int, int]:
    """Hold the book against the cloud: all transactions are there, and each missing sample is one of those skipped."""
    assert set(book.stops) == set(book.starts)
    values = site.cloud.items("/api/v1/meter-values")
    verdict = compare(book, site.cloud.items("/api/v1/transactions"), values)
    missing = [lost for lost in verdict.lost if lost[0] == "sample"]
    verdict.lost = [lost for lost in verdict.lost if lost[0] != "sample"]
    assert not verdict, verdict
    meter = site.streams()["meter"]
    assert site.dead_letters() == 0
    assert meter["cursor"] == site.edge.outbox()["meter"]["head"]
    assert len(values) >= meter["cursor"] - meter["skipped"], "every number that was not skipped has brought its sample"
    assert len(missing) <= meter["skipped"]
    return len(missing), meter["skipped"]
