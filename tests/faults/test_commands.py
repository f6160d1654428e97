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
from tests.faults.judge import Book
from tests.faults.orders import Orders
from tests.harness.tcp_proxy import TcpProxy, Weather

pytestmark = pytest.mark.timeout(14_400)


@pytest.fixture
def troubled(tmp_path: Path) -> Iterator[tuple[Campus, TcpProxy]]:
    with campus(tmp_path, proxied=True, CLOUD__LONGEST_WAIT_S="2", LOG__LEVEL="ERROR") as (site, line):
        site.furnish()
        yield site, line


async def trouble(site: Campus, line: TcpProxy, giving: asyncio.Task[None]) -> tuple[int, int]:
    """While commands are given: reset the line, lose answers, kill one side or the other."""
    chance, kills, resets = random.Random(9), 0, 0
    while not giving.done():
        await asyncio.sleep(chance.uniform(0.3, 2.0))
        match chance.randrange(6):
            case 0:
                await asyncio.to_thread(site.edge.kill)
                await asyncio.to_thread(site.edge.start)
                kills += 1
            case 1:
                await asyncio.to_thread(site.cloud.kill)
                await asyncio.to_thread(site.cloud.start)
                kills += 1
            case 2:  # what the cloud answers is lost, and asked for again
                line.weather(Weather(), Weather(black_hole=True))
                await asyncio.sleep(0.3)
                resets += await asyncio.to_thread(line.reset)
                line.weather()
            case _:
                resets += await asyncio.to_thread(line.reset)
    return kills, resets


@pytest.mark.measures("commands")
async def test_no_command_runs_twice_or_late_and_each_ends(
    troubled: tuple[Campus, TcpProxy], scale: Scale, figures: Figures
) -> None:
    site, line = troubled
    orders = Orders(site, seed=8)
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
    assert ends.get("SUCCEEDED", 0) > len(orders.given) / 3, "most of them came through"
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
    assert not verdict, verdict
