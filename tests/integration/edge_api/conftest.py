from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from edge.store.database import connect
from edge.store.migrations import migrate
from edge.store.readers import Readers
from edge.store.writer import Writer
from tests.integration.edge_api.site import PlayedChargePoints, Site, StillClock


@pytest.fixture(scope="session")
def blank_store(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("store") / "blank.db"
    migrate(path)
    connection = connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.read_bytes()


@pytest.fixture
def store_path(tmp_path: Path, blank_store: bytes) -> Path:
    path = tmp_path / "edge.db"
    path.write_bytes(blank_store)
    return path


@pytest.fixture
async def site(store_path: Path) -> AsyncIterator[Site]:
    connection = connect(store_path, synchronous="OFF")
    writer, readers = Writer(connection, StillClock()), Readers(store_path)
    working = asyncio.create_task(writer.work())
    yield Site(readers, writer, PlayedChargePoints(["123"]))
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    readers.close()
    connection.close()


@pytest.fixture
async def client(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with site.client() as client:
        yield client
