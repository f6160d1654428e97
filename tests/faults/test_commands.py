"""Commands through resets, duplicates and crashes of both sides: none runs twice, none late, each comes to its end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.campus import Campus, campus, load
from tests.faults.conftest import Scale
from tests.faults.figures import Figures
from tests.faults.hasty_cloud import REMOTE_START_LIVES_S
from tests.faults.judge import Book
from tests.faults.orders import Orders
from tests.harness.tcp_proxy import TcpProxy, Weather

pytestmark = pytest.mark.timeout(14_400)


@pytest.fixture
def troubled(tmp_path: Path) -> Iterator[tuple[Campus, TcpProxy]]:
    settings = {"CLOUD__LONGEST_WAIT_S": "2", "LOG__LEVEL": "ERROR"}
    with campus(tmp_path, proxied=True, cloud_module="tests.faults.hasty_cloud", **settings) as (site, line):
        site.furnish()
        yield site, line


async def trouble(site: Campus, line: TcpProxy, giving: asyncio.Task[None]) -> tuple[int, int]:
    """While commands are given: an outage that outlasts remote starts, resets, lost answers, kills of either side."""
    chance, kills, resets = random.Random(9), 0, await outage(line)
    while not giving.done():
        await asyncio.sleep(chance.uniform(0.3, 2.0))
        match chance.randrange(60):
            case 50:
                resets += await outage(line)
            case one if one < 10:
                await asyncio.to_thread(site.edge.kill)
                await asyncio.to_thread(site.edge.start)
                kills += 1
            case one if one < 20:
                await asyncio.to_thread(site.cloud.kill)
                await asyncio.to_thread(site.cloud.start)
                kills += 1
            case one if one < 30:  # what the cloud answers is lost, and asked for again
                line.weather(Weather(), Weather(black_hole=True))
                await asyncio.sleep(0.3)
                resets += await asyncio.to_thread(line.reset)
                line.weather()
            case _:
                resets += await asyncio.to_thread(line.reset)
    return kills, resets


async def outage(line: TcpProxy) -> int:
    """Nobody gets through for longer than a remote start may wait."""
    await asyncio.to_thread(line.refuse)
    resets = await asyncio.to_thread(line.reset)
    await asyncio.sleep(REMOTE_START_LIVES_S + 4.0)
    await asyncio.to_thread(line.accept)
    return resets


@pytest.mark.measures("commands")
async def test_no_command_runs_twice_or_late_and_each_ends(
    troubled: tuple[Campus, TcpProxy], scale: Scale, figures: Figures
) -> None:
    site, line = troubled
    orders = Orders(site, seed=8, remote_starts_live_s=REMOTE_START_LIVES_S)
    troubles: list[int] = []

    async def disturb(book: Book) -> None:
        await load(book, 50)
        await site.catch_up()  # the cloud knows the charge points now
        giving = asyncio.create_task(orders.give(scale.pick(200, 10_000), per_s=scale.pick(20.0, 8.0)))
        troubles.extend(await trouble(site, line, giving))
        await giving
        ends.update(await orders.all_final(within_s=300))

    ends: dict[str, int] = {}
    book = await site.charge_while(disturb)
    twice, late = orders.held_against(book)
    verdict = site.judge(book)
    figures.record(
        commands=len(orders.given),
        kills=troubles[0],
        connections_reset=troubles[1],
        run_twice=len(twice),
        late=len(late),
        **verdict.figures,
        **dict(sorted(ends.items())),
    )
    assert not twice
    assert not late
    assert ends.get("EXPIRED", 0) > 0, "no outage has outlasted a command: none could have been late"
    assert ends.get("SUCCEEDED", 0) > len(orders.given) / 3, "those that live long came through"
    assert not verdict, verdict
