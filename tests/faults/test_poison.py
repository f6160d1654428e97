"""Events that nobody can apply, among others that are well: these are not held up, and those are not lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contract.events import SecurityEventRecorded, TransactionStarted
from contract.streams import Stream
from edge.store import outbox
from edge.store.database import connect
from edge.store.migrations import migrate
from edge.store.readers import Readers
from edge.store.writer import Writer
from tests.faults.broken_cloud import MISFORTUNE
from tests.faults.conftest import Scale
from tests.faults.figures import Figures, at_most, percentile
from tests.harness.processes import Cloud
from tests.integration.edge_link.conftest import ShiftedClock, Site, running, until

pytestmark = pytest.mark.timeout(3_600)

OTHERS_WAIT_S = 5.0


@asynccontextmanager
async def an_edge(folder: Path) -> AsyncIterator[Site]:
    """The store and the link of an edge, so that a test can record what no charge point would make it record."""
    path = folder / "edge.db"
    migrate(path)
    clock, connection, readers = ShiftedClock(), connect(path), Readers(path)
    site = Site(path, Writer(connection, clock), readers, clock)
    site.writer._on_events = site.on_events
    async with running(site.writer.work()):
        yield site
    readers.close()
    connection.close()


def a_start(tx: Any, number: int, charge_point: str) -> None:
    event = TransactionStarted(
        transaction=uuid4(),
        transaction_id=number,
        charge_point=charge_point,
        connector_id=1,
        id_tag="TAG",
        id_tag_status="Accepted",
        meter_start_wh=0,
        started_at=datetime.now(UTC),
    )
    tx.emit(event, subject="edge", occurred_at=datetime.now(UTC))


def refused_by_this_release(tx: Any, number: int) -> None:
    """The cloud's fault: a dead letter, until the cloud is mended."""
    a_start(tx, number, MISFORTUNE)


def without_meaning(tx: Any, number: int) -> None:
    """The edge's fault: its fields say nothing. A dead letter for good."""
    tx.emit_data(TransactionStarted, {"transaction": number}, subject="edge", occurred_at="2026-11-24T12:00:00.000Z")


def unreadable(tx: Any, number: int) -> None:
    """Not even its envelope can be read: the cloud refuses it, and the edge sets it aside."""
    tx.emit_data(SecurityEventRecorded, {"number": number}, subject="edge", occurred_at="yesterday at noon")


POISONS = (refused_by_this_release, without_meaning, unreadable)
AROUND = 1_000
"""Good events before the poison of a backlog, and behind it."""


def backlog(tx: Any) -> None:
    """Big batches of one type, as after an outage; in the middle of one of them, an event that cannot be applied."""
    for number in range(2 * AROUND + 1):
        a_start(tx, number, MISFORTUNE if number == AROUND else "CP-GOOD")


@pytest.mark.measures("poison")
async def test_poison_holds_nobody_up_and_is_never_silent(tmp_path: Path, scale: Scale, figures: Figures) -> None:
    each = scale.pick(5, 200)
    cloud = Cloud.create(tmp_path / "cloud")
    cloud.module = "tests.faults.broken_cloud"
    delays_s: list[float] = []
    async with an_edge(tmp_path) as site:
        with cloud:
            await asyncio.to_thread(cloud.start)
            async with site.link(cloud.url, secret=cloud.secrets["north"]):
                await site.writer.run(backlog)
                delays_s.append(await delay_of_a_good_one(site))
                for number in range(each):
                    for poison in POISONS:
                        await site.writer.run(lambda tx, poison=poison, number=number: poison(tx, number))  # type: ignore[misc]
                        delays_s.append(await delay_of_a_good_one(site))
        dead = each * 2 + 1
        cloud.module = "cloud.cli"  # the next release
        with cloud:
            await asyncio.to_thread(cloud.start)
            letters = await asyncio.to_thread(cloud.items, "/api/v1/dead-letters")
            assert len(letters) == dead
            with cloud.client() as client:
                redriven = client.post("/api/v1/dead-letters/redrive").json()
            ledger = (await asyncio.to_thread(cloud.items, "/api/v1/sites"))[0]["link"]["streams"]["ledger"]
            there = await asyncio.to_thread(cloud.items, "/api/v1/transactions")
    assert redriven == {"applied": each + 1, "refused": each, "left": 0, "next_cursor": None}
    assert len([one for one in there if one["charge_point"] == MISFORTUNE]) == each + 1
    assert len(there) == 2 * AROUND + 1 + each
    assert (ledger["skipped"], ledger["dead_letters"]) == (each, each)
    assert ledger["cursor"] == 2 * AROUND + 2 + each * len(POISONS) * 2, "every number is accounted for"
    figures.record(
        poison_events=each * len(POISONS) + 1,
        dead_letters=dead,
        set_aside_at_the_edge=each,
        redriven=each + 1,
        others_delayed_p95_s=percentile(delays_s, 95),
        slowest_s=at_most(max(delays_s), OTHERS_WAIT_S),
    )


async def delay_of_a_good_one(site: Site) -> float:
    """Record an event behind the poison; returns how long the cloud's word for it took."""
    began = time.monotonic()
    await site.record(Stream.LEDGER)
    head = site.readers.run_now(outbox.heads)[Stream.LEDGER].head
    await until(lambda: site.acknowledged(Stream.LEDGER) >= head, within_s=60)
    return time.monotonic() - began
