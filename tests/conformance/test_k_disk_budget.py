"""K71: samples every ten seconds for a month do not fill the disk, and thinning leaves what bills are made of."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from contract.events import MeterValuesSampled, Skipped
from contract.streams import Stream
from edge.domain.timestamps import iso
from edge.store import outbox
from edge.store.housekeeping import Housekeeper, Keeping
from tests.faults.test_poison import an_edge
from tests.integration.edge_link.conftest import ShiftedClock, Site

pytestmark = pytest.mark.timeout(7_200)

CONNECTORS = 20
EVERY = timedelta(seconds=10)
AN_HOUR = timedelta(hours=1)
FULL = os.environ.get("GARDU_FAULTS") == "full"
HOURS = 30 * 24 if FULL else 6
BUDGET_BYTES = (256 if FULL else 8) * 1024 * 1024


class WallClock(ShiftedClock):
    """Its wall clock is set by hand."""

    at = datetime(2026, 3, 1, tzinfo=UTC)

    def machine_synchronised(self) -> bool:
        return True

    def now(self) -> datetime:
        return self.at


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with an_edge(tmp_path) as site:
        site.writer._clock = WallClock()
        yield site


def taken(site: Site) -> float:
    """The fraction of the budget that the database takes."""

    def bytes_in_use(connection: sqlite3.Connection) -> int:
        pages, free, size = (
            int(connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    return site.readers.run_now(bytes_in_use) / BUDGET_BYTES


def an_hour(tx: Any, begin: datetime) -> None:
    """What twenty connectors tell in an hour: one register each, rising."""
    for step in range(int(AN_HOUR / EVERY)):
        at = begin + step * EVERY
        register_wh = int((at - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds())
        sample = {"measurand": "Energy.Active.Import.Register", "value": str(register_wh), "unit": "Wh"}
        for connector in range(CONNECTORS):
            data = {
                "charge_point": f"CP-{connector}",
                "connector_id": 1,
                "transaction": None,
                "values": [{"sampled_at": iso(at), "samples": [sample]}],
            }
            tx.emit_data(MeterValuesSampled, data, subject=f"charge-point/CP-{connector}", occurred_at=iso(at))


async def test_k71_a_month_of_samples_stays_within_the_budget_and_bills_can_still_be_made(site: Site) -> None:
    clock = site.writer._clock
    assert isinstance(clock, WallClock)
    keeper = Housekeeper(
        writer=site.writer,
        readers=site.readers,
        clock=clock,
        path=site.path,
        keeping=Keeping(ballast_bytes=0),
        used=lambda: taken(site),
    )
    begin, most = clock.at, 0.0
    for hour in range(HOURS):
        for quarter in range(4):  # each quarter of an hour is recorded when it happens
            clock.at = begin + hour * AN_HOUR + quarter * AN_HOUR / 4
        await site.writer.run(lambda tx, at=begin + hour * AN_HOUR: an_hour(tx, at))  # type: ignore[misc]
        clock.at = begin + (hour + 1) * AN_HOUR
        await keeper.tidy()
        most = max(most, taken(site))
    assert most < 0.95, "thinning was enough: nothing was dropped"
    accounted, kept = what_is_left(site)
    head = site.readers.run_now(outbox.heads)[Stream.METER].head
    assert accounted == head == HOURS * int(AN_HOUR / EVERY) * CONNECTORS
    assert len(kept) < head / 2, "most of it was thinned"
    assert edges_of_the_hours(begin) <= kept
    print(f"\n{head:,} samples in at most {most:.0%} of {BUDGET_BYTES // 2**20} MiB; {len(kept):,} values stayed")


def what_is_left(site: Site) -> tuple[int, set[tuple[str, str]]]:
    """How many numbers are accounted for, and which values (charge point, time) are there."""
    numbers, kept = 0, set[tuple[str, str]]()
    rows = site.readers.run_now(
        lambda db: db.execute("SELECT event FROM outbox WHERE stream = 'meter' ORDER BY seq").fetchall()
    )
    for row in rows:
        event = orjson.loads(row["event"])
        parts = [event["data"]]
        if event["type"] == Skipped.TYPE:
            numbers += event["data"]["count"]
            parts = event["data"]["kept"]
        else:
            numbers += 1
        kept |= {(part["charge_point"], value["sampled_at"]) for part in parts for value in part["values"]}
    return numbers, kept


def edges_of_the_hours(begin: datetime) -> set[tuple[str, str]]:
    """The first and the last value of each connector in each hour as it was recorded: registers to subtract."""
    times = [at for hour in range(HOURS) for at in (begin + hour * AN_HOUR, begin + (hour + 1) * AN_HOUR - EVERY)]
    return {(f"CP-{connector}", iso(at)) for connector in range(CONNECTORS) for at in times}
