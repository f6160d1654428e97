"""Files of charge points: each upload on its own, one ticket for one file, and bounds that the oldest leave by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from edge.clock import Clock
from edge.store import file_exchange
from edge.store.file_exchange import Diagnostics, Files, Purpose, Ticket
from edge.store.writer import WriteTx
from edge.upkeep.files import FileDesk, create_files
from edge.upkeep.stored_files import StoredFiles
from tests.harness.central import Central, central

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Still(Clock):
    def now(self) -> datetime:
        return NOW


@dataclass
class Desk:
    house: Central
    files: Files
    client: httpx.AsyncClient

    async def asked(self, name: str, days_ago: float = 0) -> None:
        """Ask for diagnostics; its ticket is its name."""
        at = NOW - timedelta(days=days_ago)

        def ask(tx: WriteTx) -> None:
            ticket = Ticket(Purpose.DIAGNOSTICS, name, f"CP-{name}")
            file_exchange.issue(tx.connection, name, ticket, NOW, timedelta(hours=1))
            file_exchange.ask(tx.connection, name, f"CP-{name}", at)

        await self.house.writer.run(ask)

    async def brings(self, name: str, content: bytes) -> int:
        return (await self.client.put(f"/u/{name}", content=content)).status_code

    def held(self, name: str) -> bytes | None:
        path = self.files.path(Purpose.DIAGNOSTICS, name)
        return path.read_bytes() if path.is_file() else None

    def known(self, name: str) -> Diagnostics | None:
        return self.house.readers.run_now(lambda db: file_exchange.find_diagnostics(db, name))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with central(tmp_path, clock=Still()) as house:
        files = Files(tmp_path / "files", "http://edge", diagnostics_quota=250, keep_diagnostics=timedelta(days=30))
        app = create_files(FileDesk(files, house.readers, house.writer, house.clock))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as client:
            yield Desk(house, files, client)


async def test_of_two_uploads_at_once_the_first_whole_one_is_kept_whole(desk: Desk) -> None:
    await desk.asked("A")
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"slow" * 10
        begun.set()
        await go_on.wait()
        yield b"slow" * 10

    slowly = asyncio.create_task(desk.client.put("/u/A", content=slow()))
    await begun.wait()
    assert await desk.brings("A", b"quick" * 10) == 201
    go_on.set()
    assert (await slowly).status_code == 404
    assert desk.held("A") == b"quick" * 10
    assert [one.name for one in (desk.files.folder / "diagnostics").iterdir()] == ["A"]


async def test_what_is_too_large_uses_no_ticket(desk: Desk) -> None:
    await desk.asked("A")
    assert await desk.brings("A", b"x" * 251) == 413
    assert desk.held("A") is None
    assert await desk.brings("A", b"x" * 250) == 201
    assert await desk.brings("A", b"again") == 404


async def test_the_oldest_go_when_there_is_too_much_and_the_old_go_always(desk: Desk) -> None:
    for name, days_ago in (("OLD", 31), ("A", 3), ("B", 2), ("C", 1)):
        await desk.asked(name, days_ago)
        assert await desk.brings(name, b"x" * 100) == 201
    await desk.asked("NEVER-CAME", 31)
    await StoredFiles(desk.files, desk.house.readers, desk.house.writer, desk.house.clock).tidy()
    assert [desk.held(name) is not None for name in ("OLD", "A", "B", "C")] == [False, False, True, True]
    assert [desk.known(name) is not None for name in ("OLD", "NEVER-CAME", "A", "B")] == [False, False, False, True]
    assert await desk.brings("NEVER-CAME", b"x") == 404
