"""An edge that was 30 days offline comes back: transactions first, all of it drained, and it stays small meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.campus import Campus, load
from tests.faults.conftest import Scale
from tests.faults.figures import Figures
from tests.faults.filling import fill
from tests.faults.judge import Book
from tests.harness.postgres import Postgres, killable_postgres
from tests.harness.processes import Cloud, Edge
from tests.harness.tcp_proxy import TcpProxy, Weather

pytestmark = pytest.mark.timeout(7_200)

EDGE_MAY_TAKE_MB = 200
HALF_A_ROUND_TRIP = Weather(latency_s=0.025)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with killable_postgres() as postgres:
        yield postgres


@dataclass
class Drained:
    """What was seen while a backlog went up."""

    ledger_after_s: float
    all_after_s: float
    peak_mb: float


@pytest.mark.parametrize("weather", [Weather(), HALF_A_ROUND_TRIP], ids=["near", "50 ms round trip"])
async def test_a_month_offline_drains_with_transactions_first(
    postgres: Postgres, weather: Weather, tmp_path: Path, scale: Scale, figures: Figures
) -> None:
    transactions, samples = scale.pick((500, 9_000), (10_000, 1_680_000))
    cloud = Cloud.create(tmp_path / "cloud", database_url=postgres.url)
    with cloud.start(), TcpProxy(cloud.port) as line:
        line.weather(weather)
        url = f"http://127.0.0.1:{line.port}"
        edge = Edge.create(
            tmp_path / "edge", cloud_url=url, cloud_secret=cloud.secrets["north"], CLOUD__LONGEST_WAIT_S="2"
        )
        cloud.kill()
        site = Campus(cloud, edge)
        with edge.start():
            site.furnish(2)
        fill(edge.folder / "data" / "edge.db", transactions=transactions, samples=samples)
        with edge.start():
            seen: list[Drained] = []

            async def drain(book: Book) -> None:  # charge points charge all the while
                await load(book, 50)
                await asyncio.to_thread(cloud.start)
                seen.append(await drained(site, transactions, samples))

            book = await site.charge_while(drain)
            site.edge.wait_drained(240)
    assert not book.refused
    events = 2 * transactions + samples
    assert seen[0].ledger_after_s < seen[0].all_after_s, "transactions went first"
    assert seen[0].peak_mb < EDGE_MAY_TAKE_MB
    figures.record(
        "backlog",
        "50 ms round trip" if weather.latency_s else "same machine",
        events=events,
        drained_after_s=seen[0].all_after_s,
        events_per_s=events / seen[0].all_after_s,
        transactions_after_s=seen[0].ledger_after_s,
        edge_at_most_MB=seen[0].peak_mb,
    )


async def drained(site: Campus, transactions: int, samples: int) -> Drained:
    """Wait until what was filled in is in the cloud; what is charged meanwhile comes behind it."""
    began, ledger_after_s, peak_mb = time.monotonic(), 0.0, 0.0
    async with asyncio.timeout(3_600):
        while True:
            outbox = await asyncio.to_thread(site.edge.outbox)
            peak_mb = max(peak_mb, resident_mb(site.edge.pid))
            if not ledger_after_s and outbox["ledger"]["acknowledged"] >= 2 * transactions:
                ledger_after_s = time.monotonic() - began
            if outbox["meter"]["acknowledged"] >= samples:
                return Drained(ledger_after_s, time.monotonic() - began, peak_mb)
            await asyncio.sleep(0.1)


def resident_mb(pid: int) -> float:
    """Memory of a process at this moment."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))
