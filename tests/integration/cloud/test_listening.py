"""PostgreSQL: what one replica commits wakes who waits at another, also after the connection was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from cloud.db.bell import POLL
from cloud.db.database import Database
from cloud.db.listening import listen
from tests.integration.cloud.postgres import Cluster

_LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
_WITHIN_S = 30.0


@pytest.fixture
def url(postgres: Cluster) -> str:
    name = f"l_{uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return postgres.url(name)


@asynccontextmanager
async def replica(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    task = asyncio.create_task(listen(database))
    try:
        yield database
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        database.close()


async def until_listening(database: Database, *, other_than: frozenset[int] = frozenset()) -> frozenset[int]:
    """The process ids of the servers' listening connections, once there is a new one."""
    async with asyncio.timeout(_WITHIN_S):
        while True:
            with database.read() as unit:
                found = frozenset(unit.scalars(text(f"SELECT pid {_LISTENERS}")))
            if found and not found <= other_than:
                return found
            await asyncio.sleep(0.02)


def ring(database: Database, key: str) -> None:
    with database.write() as unit:
        unit.ring_after_commit(key)


async def woken(database: Database, by: Database, key: str) -> None:
    """Return when a ring wakes; the look once a second would not end the wait for the event itself."""
    with database.bell.listen(key) as hint:
        await asyncio.to_thread(ring, by, key)
        async with asyncio.timeout(_WITHIN_S):
            await hint._event.wait()


async def test_a_commit_at_one_replica_wakes_the_waiter_at_another(url: str) -> None:
    other = Database(url)
    async with replica(url) as here:
        await until_listening(other)
        await woken(here, other, "a")
    other.close()


async def test_a_lost_connection_is_made_again_and_the_hints_lost_meanwhile_are_made_good(url: str) -> None:
    other = Database(url)
    async with replica(url) as here:
        before = await until_listening(other)
        with here.bell.listen("a") as hint:
            with other.write() as unit:
                unit.execute(text(f"SELECT pg_terminate_backend(pid) {_LISTENERS}"))
            async with asyncio.timeout(_WITHIN_S):
                await hint._event.wait()
        await until_listening(other, other_than=before)
        await woken(here, other, "b")
    other.close()


async def test_what_is_rolled_back_rings_nowhere_and_an_own_ring_is_not_heard_twice(url: str) -> None:
    other = Database(url)
    async with replica(url) as here:
        await until_listening(other)
        await woken(here, other, "the wake-up of all at its start is over")
        with here.bell.listen("a") as hint:
            with suppress(ZeroDivisionError), other.write() as unit:
                unit.ring_after_commit("a")
                raise ZeroDivisionError
            await woken(here, other, "behind it")
            assert not hint._event.is_set()
        with here.bell.listen("own") as hint:
            await asyncio.to_thread(ring, here, "own")
            await hint.wait(POLL.total_seconds())
            await woken(here, other, "behind it")
            assert not hint._event.is_set()
    other.close()
