"""K94 and K95: weeks without the cloud change nothing at the site, and what the cloud forbade meanwhile holds soon."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.faults.campus import Campus, campus, load
from tests.faults.filling import fill
from tests.faults.judge import Book
from tests.harness.equipped import Equipment, equipped
from tests.harness.tcp_proxy import TcpProxy

pytestmark = pytest.mark.timeout(900)

TRANSACTIONS, SAMPLES, DAYS = 300, 3_000, 14.0
LISTS = {"LocalAuthListMaxLength": "40", "SendLocalListMaxLength": "20", "LocalAuthListEnabled": "true"}
SETTINGS = {
    "UPKEEP__LOCAL_LISTS": "true",
    "UPKEEP__AFTER_BOOT_S": "0",
    "UPKEEP__TRY_AGAIN_S": "1",
    "CLOUD__LONGEST_WAIT_S": "2",
}
WITHIN_S = 300.0


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Campus, TcpProxy]]:
    with campus(tmp_path_factory.mktemp("outage"), proxied=True, **SETTINGS) as (site, line):
        site.furnish(4)
        yield site, line


def cut_off(line: TcpProxy) -> None:
    line.refuse()
    line.reset()


async def test_k94_two_weeks_without_the_cloud_change_nothing_and_drain_in_order(
    linked: tuple[Campus, TcpProxy],
) -> None:
    site, line = linked
    await asyncio.to_thread(cut_off, line)
    await asyncio.to_thread(site.edge.kill)
    fill(site.edge.folder / "data" / "edge.db", transactions=TRANSACTIONS, samples=SAMPLES, days=DAYS)
    await asyncio.to_thread(site.edge.start)

    async def disturb(book: Book) -> None:
        await load(book, 200)  # charging and authorising go on: every start was answered
        assert not book.refused
        await asyncio.to_thread(line.accept)
        for _ in range(6):  # answers are lost, so batches come twice
            await asyncio.sleep(0.3)
            await asyncio.to_thread(line.reset)

    book = await site.charge_while(disturb)
    await asyncio.to_thread(site.edge.wait_drained, 240)
    assert not book.refused
    ours = [one for one in site.cloud.items("/api/v1/transactions") if one["transaction_id"] >= 10**6]
    assert {(one["charge_point"], one["transaction_id"]) for one in ours} == set(book.starts)
    numbers = in_the_order_of_arrival(site)
    assert numbers == list(range(1, len(numbers) + 1)), "each number once, in order"
    assert len(site.cloud.items("/api/v1/meter-values")) == SAMPLES + len(book.samples)


def in_the_order_of_arrival(site: Campus) -> list[int]:
    """The numbers of the ledger as the cloud wrote them down."""
    with closing(sqlite3.connect(f"file:{site.cloud.folder / 'cloud.db'}?mode=ro", uri=True)) as cloud:
        return [seq for (seq,) in cloud.execute("SELECT seq FROM ledger_event ORDER BY received_at, seq")]


async def test_k95_an_id_tag_that_was_revoked_meanwhile_leaves_lists_and_caches_soon(
    linked: tuple[Campus, TcpProxy],
) -> None:
    site, line = linked
    with site.cloud.client() as office:
        office.put("/api/v1/groups/staff", json={"name": "Staff", "sites": ["north"]}).raise_for_status()
        tags = [{"id_tag": f"STAFF{n}", "status": "Accepted", "groups": ["staff"]} for n in range(3)]
        office.post("/api/v1/id-tags", json=tags).raise_for_status()
        key, mine = await asyncio.to_thread(site.edge.add_charge_point, "K95"), Equipment(dict(LISTS), most_entries=20)
        async with equipped(site.edge.ws_url, "K95", key, mine) as station:
            await station.ask("BootNotification", charge_point_vendor="VendorL", charge_point_model="Lists")
            async with asyncio.timeout(WITHIN_S):
                while mine.local_list.get("STAFF0", {}).get("status") != "Accepted":
                    await asyncio.sleep(0.05)
            await asyncio.to_thread(cut_off, line)
            revoked = {"status": "Blocked", "groups": ["staff"]}
            office.put("/api/v1/id-tags/STAFF0", json=revoked).raise_for_status()
            answer = await station.ask("Authorize", id_tag="STAFF0")
            assert answer.id_tag_info["status"] == "Accepted", "offline nobody here can know"
            caches = mine.count("ClearCache")
            began = time.monotonic()
            await asyncio.to_thread(line.accept)
            async with asyncio.timeout(WITHIN_S):
                while mine.local_list.get("STAFF0", {}).get("status") == "Accepted":
                    await asyncio.sleep(0.05)
                await mine.wait_for("ClearCache", caches + 1)
            answer = await station.ask("Authorize", id_tag="STAFF0")
            assert answer.id_tag_info["status"] == "Blocked"
    print(f"\nlocal list and cache forgot a revoked id tag {time.monotonic() - began:.1f} s after the cloud came back")
