"""Leaving the link, at whatever instant, closes each connection to the cloud."""

from __future__ import annotations

import asyncio
import gc
import warnings
from contextlib import suppress

from contract.link import CommandsAnswer
from edge.sync.https import HttpsCarrier
from edge.sync.proof import SharedSecret
from tests.integration.edge_link.cloud_server import SECRET, CloudServer
from tests.integration.edge_link.conftest import until

AT_ONCE = 4
INSTANTS = 12
"""Turns of the loop after which the edge leaves: enough to get from the question to its first byte."""


async def test_connections_that_a_dead_cloud_left_behind_are_closed_whenever_the_edge_leaves() -> None:
    with warnings.catch_warnings(record=True) as left_open:
        warnings.simplefilter("always", ResourceWarning)
        for turns in range(INSTANTS):
            await _leave_after(turns)
        gc.collect()
    assert [str(one.message) for one in left_open] == []


async def _leave_after(turns: int) -> None:
    cloud = CloudServer()
    async with cloud.serving():
        carrier = HttpsCarrier(base_url=cloud.url, edge="north", proof=SharedSecret(SECRET))
        polls = [asyncio.create_task(carrier.pull_commands(0, wait_s=30)) for _ in range(AT_ONCE)]
        await until(lambda: len(cloud.pulls) == AT_ONCE)
        cloud.order("Reset", type="Soft")
        assert all(isinstance(answer, CommandsAnswer) for answer in await asyncio.gather(*polls))
    leaving = asyncio.create_task(carrier.pull_commands(0, wait_s=30))
    for _ in range(turns):
        await asyncio.sleep(0)
    leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving
    await carrier.close()
