"""An edge with a backlog comes back to a cloud on PostgreSQL: how it drains, what it takes, and whether all stays live.

The fault's test and `make bench` share it.
"""

from __future__ import annotations

import asyncio
import os
import time
from bisect import bisect_right
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import httpx

from tests.faults.campus import Campus, load
from tests.faults.figures import percentile
from tests.faults.filled import hold_against
from tests.faults.filling import fill
from tests.faults.judge import Book
from tests.harness.plain_http import PLAIN
from tests.harness.postgres import Postgres
from tests.harness.processes import Cloud, Edge
from tests.harness.tcp_proxy import TcpProxy, Weather

NEAR = Weather()
HALF_A_ROUND_TRIP = Weather(latency_s=0.025)
LEGS = {"same machine": NEAR, "50 ms round trip": HALF_A_ROUND_TRIP}
CHARGE_POINTS = 2
LOOKS_EVERY_S = 0.25
TELLS_EVERY_S = 15.0
PATIENCE_S = 3_600.0
LONGEST_TOLD = 2_000
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Backlog:
    """What was recorded while nobody listened."""

    transactions: int
    samples: int

    @property
    def events(self) -> int:
        return 2 * self.transactions + self.samples

    @classmethod
    def of(cls, events: int) -> Backlog:
        """So many events, mixed as in 30 days of a building: 10,000 transactions among 1.7 million."""
        transactions = max(1, events // 170)
        return cls(transactions, events - 2 * transactions)


@dataclass
class Drained:
    """What was seen while a backlog went up."""

    events: int
    ledger_after_s: float
    all_after_s: float
    peak_mb: float
    edge_cpu_s: float
    """Of the edge's process meanwhile, charging included."""
    cloud_cpu_s: float
    """Of the cloud's process, without PostgreSQL."""
    live_p95_s: float
    """How old the cloud's picture of a connector was: since the first sample that was acknowledged and not shown."""
    found: dict[str, int] = field(default_factory=dict)
    """By the judge, when all had arrived: how many were lost, doubled and so on."""

    @property
    def events_per_s(self) -> float:
        return self.events / self.all_after_s


async def drain(postgres: Postgres, folder: Path, backlog: Backlog, weather: Weather) -> Drained:
    """Fill an edge, let its cloud come back, and watch; charge points charge all the while."""
    cloud = Cloud.create(folder / "cloud", database_url=postgres.url)
    with TcpProxy(cloud.port) as line:
        line.weather(weather)
        url = f"http://127.0.0.1:{line.port}"
        secret = cloud.secrets["north"]
        edge = Edge.create(folder / "edge", cloud_url=url, cloud_secret=secret, CLOUD__LONGEST_WAIT_S="2")
        site = Campus(cloud, edge)
        with edge.start():
            site.furnish(CHARGE_POINTS)
        print(f"  filling {backlog.events:,} events, about a gigabyte per million", flush=True)
        filling_since = time.monotonic()
        fill(edge.folder / "data" / "edge.db", transactions=backlog.transactions, samples=backlog.samples)
        print(f"  filled in {time.monotonic() - filling_since:.0f} s", flush=True)
        with cloud, edge.start():
            seen: list[Drained] = []

            async def come_back(book: Book) -> None:
                await load(book, 50)
                await asyncio.to_thread(cloud.start)
                await _connected(site.edge)
                seen.append(await _watch(site, book, backlog))

            book = await site.charge_while(come_back)
            edge.wait_drained(240)
            verdict = hold_against(postgres.url, "north", backlog.transactions, backlog.samples, book)
            seen[0].found = verdict.figures
            if verdict:
                print(f"  {verdict}"[:LONGEST_TOLD], flush=True)
    return seen[0]


async def _connected(edge: Edge) -> None:
    """Wait until the edge has greeted: a pause that it was in is not part of the draining."""
    with edge.client() as client:
        async with asyncio.timeout(60):
            while (await asyncio.to_thread(client.get, "/api/v1/outbox")).json()["link"]["state"] != "connected":
                await asyncio.sleep(0.05)


async def _watch(site: Campus, book: Book, backlog: Backlog) -> Drained:
    """Wait until what was filled in is in the cloud; what is charged meanwhile comes behind it."""
    began, before_s, told_at, ledger_after_s, peak_mb = time.monotonic(), _cpu_s(site), 0.0, 0.0, 0.0
    async with asyncio.timeout(PATIENCE_S), _live(site, book) as ages_s:
        while True:
            outbox = await asyncio.to_thread(site.edge.outbox)
            passed = time.monotonic() - began
            peak_mb = max(peak_mb, resident_mb(site.edge.pid))
            ledger, meter = outbox["ledger"]["acknowledged"], outbox["meter"]["acknowledged"]
            if not ledger_after_s and ledger >= 2 * backlog.transactions:
                ledger_after_s = passed
            if meter >= backlog.samples:
                break
            if passed >= told_at + TELLS_EVERY_S:
                told_at = passed
                print(f"  after {passed:.0f} s: {ledger + meter:,} of {backlog.events:,} events", flush=True)
            await asyncio.sleep(LOOKS_EVERY_S)
    edge_s, cloud_s = (after - before for after, before in zip(_cpu_s(site), before_s, strict=True))
    return Drained(backlog.events, ledger_after_s, passed, peak_mb, edge_s, cloud_s, percentile(ages_s, 95))


@asynccontextmanager
async def _live(site: Campus, book: Book) -> AsyncIterator[list[float]]:
    """Look at the cloud's live picture meanwhile; gives how old each connector in it was at each look, in seconds."""
    ages_s: list[float] = []
    headers = {"Authorization": f"Bearer {site.cloud.api_key}"}

    async def look() -> None:
        async with httpx.AsyncClient(verify=PLAIN, headers=headers, timeout=70.0, trust_env=False) as client:
            while True:
                asked_at = time.monotonic()
                answer = await client.get(f"{site.cloud.url}/api/v1/live")
                for connector in answer.raise_for_status().json()["items"]:
                    ages_s.extend(_age_s(connector, book, asked_at))
                await asyncio.sleep(LOOKS_EVERY_S)

    async with asyncio.TaskGroup() as group:
        looking = group.create_task(look())
        yield ages_s
        looking.cancel()


def _age_s(connector: dict[str, Any], book: Book, asked_at: float) -> list[float]:
    """Since when something newer than what is shown is at the edge; nothing, where no sample is shown."""
    if connector["sampled_at"] is None:
        return []
    shown = datetime.fromisoformat(connector["sampled_at"])
    sampled = book.sampled[connector["charge_point"]]
    newer = bisect_right(sampled, shown, key=itemgetter(0))
    return [max(0.0, asked_at - sampled[newer][1]) if newer < len(sampled) else 0.0]


def resident_mb(pid: int) -> float:
    """Memory of a process at this moment."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def _cpu_s(site: Campus) -> tuple[float, ...]:
    """Processor time of edge and cloud so far."""
    stats = [Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii") for process in (site.edge, site.cloud)]
    fields = [stat.rpartition(")")[2].split() for stat in stats]
    return tuple((int(one[11]) + int(one[12])) / _TICKS_PER_S for one in fields)
