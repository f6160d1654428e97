"""One look a second for all edges that wait: what no hint told of wakes the edge that it is for, and no other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest

from cloud.commands.schemas import Order
from cloud.commands.service import ordering
from cloud.commands.service.watching import Watch
from cloud.db.database import Database
from tests.integration.cloud.conftest import Campus

_WITHIN_S = 60.0


@pytest.fixture
def replica(database_url: str) -> Iterator[Database]:
    """Another process on the same database, whose hints are all lost."""
    replica = Database(database_url)
    yield replica
    replica.close()


async def an_order(campus: Campus, replica: Database) -> None:
    order = Order("tower", "CP1", "ClearCache", {}, "tester")
    await asyncio.to_thread(ordering.create, replica, order, campus.clock())


async def test_a_site_is_news_at_the_first_look_and_whenever_something_waits_for_its_edge(
    campus: Campus, replica: Database
) -> None:
    await campus.with_charge_point()
    campus.another_edge("annex")
    watch = Watch(campus.database)
    assert sorted(watch.news(["annex", "tower"])) == ["annex", "tower"]
    assert watch.news(["annex", "tower"]) == []
    await an_order(campus, replica)
    assert watch.news(["annex"]) == []
    assert watch.news(["annex", "tower"]) == ["tower"]
    answer = await campus.client.put(
        "/api/v1/id-tags/04A2", json={"status": "Accepted", "sites": ["tower"]}, headers=campus.headers
    )
    assert answer.is_success, answer.text
    assert watch.news(["annex", "tower"]) == ["tower"]
    assert watch.news(["annex", "tower"]) == []


async def test_an_edge_hears_of_a_command_whose_hint_was_lost(campus: Campus, replica: Database) -> None:
    await campus.with_charge_point()
    await campus.edge.greet()
    watching = asyncio.create_task(Watch(campus.database).look_for_ever())
    while not campus.database.bell.watched:
        await asyncio.sleep(0)
    poll = asyncio.create_task(campus.edge.pull(wait=50))
    while not campus.database.bell.waiting():
        await asyncio.sleep(0.01)
    await an_order(campus, replica)
    async with asyncio.timeout(_WITHIN_S):
        assert [item["action"] for item in (await poll)["items"]] == ["ClearCache"]
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    assert not campus.database.bell.watched
