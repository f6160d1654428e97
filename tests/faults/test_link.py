"""The line between edge and cloud is bad in every way, through a real proxy: nothing is lost, nothing doubled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.campus import Campus, campus, load
from tests.faults.conftest import Scale
from tests.faults.figures import Figures, at_most
from tests.faults.judge import Book
from tests.faults.line import Arrivals, Line, p95_s
from tests.harness.broker import Broker, require_mosquitto
from tests.harness.processes import Cloud, Edge
from tests.harness.tcp_proxy import TcpProxy

pytestmark = pytest.mark.timeout(7_200)

IN_THE_CLOUD_WITHIN_S = 2.0
EDGE_PASSWORD = "north-s-own-password-at-the-broker"
QUICK = {"CLOUD__LONGEST_WAIT_S": "5"}
"""So that a short run does not wait minutes for an edge that has learnt to be patient."""


@contextmanager
def over_mqtt(folder: Path) -> Iterator[tuple[Campus, TcpProxy]]:
    """A campus whose edge reaches its broker through a proxy."""
    broker = Broker(folder / "broker", require_mosquitto(), {"north": EDGE_PASSWORD})
    broker.start()
    try:
        cloud = Cloud.create(folder / "cloud")
        cloud.environment |= broker.cloud_settings
        with cloud.start(), TcpProxy(broker.port) as proxy:
            edge = Edge.create(
                folder / "edge",
                cloud_url=f"mqtts://127.0.0.1:{proxy.port}",
                cloud_secret=EDGE_PASSWORD,
                CLOUD__CA=str(broker.ca),
                **QUICK,
            )
            with edge.start():
                yield Campus(cloud, edge), proxy
    finally:
        broker.kill()


@pytest.fixture(
    params=[pytest.param(carrier, marks=pytest.mark.measures("link", carrier)) for carrier in ("https", "mqtt")]
)
def carried(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Campus, TcpProxy]]:
    made = over_mqtt(tmp_path) if request.param == "mqtt" else campus(tmp_path, proxied=True, **QUICK)
    with made as (site, proxy):
        site.furnish()
        yield site, proxy


async def test_a_bad_line_loses_and_doubles_nothing(
    carried: tuple[Campus, TcpProxy], scale: Scale, figures: Figures
) -> None:
    site, proxy = carried
    line = Line(proxy, seconds=scale.pick(1.5, 40.0), rounds=scale.pick(1, 3), seed=3)
    arrivals = Arrivals(site.cloud.folder / "cloud.db")
    healed: list[float] = []

    async def disturb(book: Book) -> None:
        await line.disturb(book)
        healed.extend((await site.catch_up(), time.monotonic()))
        await load(book, scale.pick(400, 4_000))

    with arrivals.watching():
        book = await site.charge_while(disturb)
        verdict = site.judge(book)
    caught_up_s, healed_at = healed
    delays_s = arrivals.delays_s(book, healed_at)
    assert len(delays_s) > 50
    assert proxy.resets >= 4
    assert proxy.connections >= 4
    figures.record(
        records=book.records,
        connections_reset=proxy.resets,
        **verdict.figures,
        caught_up_after_s=caught_up_s,
        then_in_the_cloud_p95_s=at_most(p95_s(delays_s), IN_THE_CLOUD_WITHIN_S),
        slowest_s=max(delays_s),
    )
    assert not verdict, verdict
