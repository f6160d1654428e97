from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from contract.events import EdgeStarted, SecurityEventRecorded
from contract.streams import Stream
from edge.errors import StoreUnavailableError
from edge.store import outbox
from edge.store import writer as writer_module
from edge.store.database import connect
from edge.store.writer import MAX_BATCH, Writer, WriteTx
from tests.integration.edge.played_site import NOON, Disk, PlayedSite, SetClock, envelopes

SOON_S = 20.0


@dataclass
class Desk:
    """A writer at work, and what it told its owner."""

    writer: Writer
    disk: Disk
    site: PlayedSite
    """Reads what was committed."""
    working: asyncio.Task[None]
    told: list[str] = field(default_factory=list)

    async def together(self, *operations: Any) -> list[Any]:
        """Run operations in one batch."""
        waiting = [asyncio.ensure_future(self.writer.run(operation)) for operation in operations]
        async with asyncio.timeout(SOON_S):
            return await asyncio.gather(*waiting, return_exceptions=True)


@pytest.fixture
async def desk(blank: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    site = PlayedSite.create(blank, tmp_path / "edge.db")
    disk = Disk(connect(tmp_path / "edge.db", synchronous="OFF"))
    told: list[str] = []
    writer = Writer(
        disk,  # type: ignore[arg-type]
        SetClock(),
        on_events=lambda: told.append("events"),
        on_failure=lambda: told.append("failure"),
    )
    working = asyncio.create_task(writer.work())
    yield Desk(writer, disk, site, working, told)
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    disk.close()
    site.close()


def note(text: str) -> Any:
    """An operation that leaves a row and an event, and returns its text."""

    def operation(tx: WriteTx) -> str:
        tx.connection.execute(
            "INSERT INTO quarantine (charge_point, received_at, reason, raw) VALUES ('', '', ?, '')", (text,)
        )
        tx.emit(SecurityEventRecorded(kind=text), subject="edge", occurred_at=NOON)
        return text

    return operation


def spoiled(text: str, error: Exception) -> Any:
    """An operation that writes as `note` does, and then fails."""

    def operation(tx: WriteTx) -> None:
        note(text)(tx)
        raise error

    return operation


def noted(site: PlayedSite) -> list[str]:
    return [row[0] for row in site.connection.execute("SELECT reason FROM quarantine ORDER BY id")]


def told_to_the_cloud(site: PlayedSite) -> list[str]:
    return [event.kind for event in site.events(SecurityEventRecorded)]


async def test_many_operations_share_a_commit_in_their_order(desk: Desk) -> None:
    texts = [f"note {number}" for number in range(100)]
    assert await desk.together(*map(note, texts)) == texts
    assert desk.disk.commits == 1
    assert noted(desk.site) == told_to_the_cloud(desk.site) == texts
    assert desk.told == ["events"]


async def test_a_long_queue_is_committed_in_batches(desk: Desk) -> None:
    texts = [f"note {number}" for number in range(2 * MAX_BATCH + 1)]
    assert await desk.together(*map(note, texts)) == texts
    assert desk.disk.commits == 3
    assert told_to_the_cloud(desk.site) == texts


async def test_an_answer_comes_after_its_commit(desk: Desk) -> None:
    await desk.writer.run(note("durable"))
    assert noted(desk.site) == ["durable"]


async def test_a_batch_is_answered_while_the_disk_takes_the_next(desk: Desk) -> None:
    may_go_on = threading.Event()
    desk.disk.before_commit = lambda: desk.disk.commits == 0 or may_go_on.wait(SOON_S)
    first = [asyncio.ensure_future(desk.writer.run(note("first"))) for _ in range(MAX_BATCH)]
    second = asyncio.ensure_future(desk.writer.run(note("second")))
    async with asyncio.timeout(SOON_S / 2):
        assert set(await asyncio.gather(*first)) == {"first"}
    assert len(noted(desk.site)) == MAX_BATCH
    assert desk.told == ["events"]
    assert not second.done()
    may_go_on.set()
    assert await second == "second"
    assert len(noted(desk.site)) == MAX_BATCH + 1


async def test_a_batch_that_fails_says_nothing_of_the_one_before_it(desk: Desk) -> None:
    desk.disk.before_commit = lambda: setattr(desk.disk, "broken", desk.disk.commits > 0)
    results = await desk.together(*[note("first")] * MAX_BATCH, note("second"))
    assert results[:MAX_BATCH] == ["first"] * MAX_BATCH
    assert isinstance(results[MAX_BATCH], StoreUnavailableError)
    assert desk.told == ["events", "failure"]
    assert told_to_the_cloud(desk.site) == ["first"] * MAX_BATCH


async def test_a_batch_is_answered_while_another_process_keeps_the_next_from_beginning(desk: Desk) -> None:
    desk.disk.after_commit = lambda: desk.site.connection.execute("BEGIN IMMEDIATE")
    first = [asyncio.ensure_future(desk.writer.run(note("first"))) for _ in range(MAX_BATCH)]
    second = asyncio.ensure_future(desk.writer.run(note("second")))
    async with asyncio.timeout(SOON_S):
        assert set(await asyncio.gather(*first)) == {"first"}
    assert not second.done()
    desk.disk.after_commit = lambda: None
    desk.site.connection.execute("ROLLBACK")
    assert await second == "second"


async def test_an_operation_that_leaves_no_event_wakes_nobody(desk: Desk) -> None:
    assert await desk.writer.run(lambda tx: tx.connection.execute("SELECT 7").fetchone()[0]) == 7
    assert desk.told == []


@pytest.mark.parametrize(
    "error", [ValueError("no"), KeyError("no"), sqlite3.IntegrityError("no"), OverflowError("no")], ids=repr
)
async def test_one_failing_operation_takes_nothing_of_its_neighbours_with_it(desk: Desk, error: Exception) -> None:
    results = await desk.together(note("before"), spoiled("spoiled", error), note("after"))
    assert results == ["before", error, "after"]
    assert desk.disk.commits == 1
    assert noted(desk.site) == told_to_the_cloud(desk.site) == ["before", "after"]
    assert desk.writer.healthy


async def test_a_batch_of_failing_operations_leaves_nothing(desk: Desk) -> None:
    await desk.together(spoiled("one", ValueError()), spoiled("two", ValueError()))
    assert (noted(desk.site), desk.site.events(), desk.told) == ([], [], [])


async def test_numbers_have_no_holes_and_the_chain_is_whole_over_streams_and_batches(desk: Desk) -> None:
    def other(tx: WriteTx) -> None:
        tx.emit(EdgeStarted(software_version="1"), subject="edge", occurred_at=NOON)

    for _ in range(5):
        await desk.together(note("a"), spoiled("b", ValueError()), other, note("c"), spoiled("d", ValueError()))
    assert [envelope.seq for envelope, _ in envelopes(desk.site, Stream.LEDGER)] == list(range(1, 11))
    assert [envelope.seq for envelope, _ in envelopes(desk.site, Stream.STATE)] == list(range(1, 6))
    assert envelopes(desk.site, Stream.METER) == []


async def test_the_chain_goes_on_after_a_restart(desk: Desk, tmp_path: Path) -> None:
    await desk.writer.run(note("before"))
    connection = connect(tmp_path / "edge.db", synchronous="OFF")
    again = Writer(connection, SetClock())
    working = asyncio.create_task(again.work())
    await again.run(note("after"))
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    connection.close()
    assert told_to_the_cloud(desk.site) == ["before", "after"]


async def test_a_failed_commit_answers_nobody_and_stores_nothing(desk: Desk) -> None:
    await desk.writer.run(note("before"))
    desk.disk.broken = True
    results = await desk.together(note("one"), note("two"), spoiled("three", ValueError()))
    assert {type(result) for result in results} == {StoreUnavailableError}
    assert "disk I/O error" in str(results[0])
    assert results[0].hint
    assert not desk.writer.healthy
    assert desk.told == ["events", "failure"]
    assert noted(desk.site) == told_to_the_cloud(desk.site) == ["before"]


async def test_a_constraint_that_breaks_at_the_commit_undoes_the_batch(desk: Desk) -> None:
    def orphaned(tx: WriteTx) -> None:
        tx.connection.execute("PRAGMA defer_foreign_keys=ON")
        tx.connection.execute("INSERT INTO charge_point_key VALUES ('nobody', x'00', x'00')")

    results = await desk.together(note("one"), orphaned)
    assert {type(result) for result in results} == {StoreUnavailableError}
    assert noted(desk.site) == []
    assert not desk.disk.in_transaction


async def test_a_full_disk_fails_the_batch_and_numbers_go_on_where_they_were(desk: Desk) -> None:
    await desk.writer.run(note("before"))
    pages = desk.disk.execute("PRAGMA page_count").fetchone()[0]
    desk.disk.execute(f"PRAGMA max_page_count={pages}")
    results = await desk.together(note("small"), note("x" * 1_000_000))
    assert {type(result) for result in results} == {StoreUnavailableError}
    assert not desk.disk.in_transaction
    desk.disk.execute("PRAGMA max_page_count=1000000")
    await desk.writer.run(note("after"))
    assert told_to_the_cloud(desk.site) == ["before", "after"]


async def test_a_locked_database_fails_the_batch_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "BUSY_PATIENCE_S", 0.1)
    desk.site.connection.execute("BEGIN IMMEDIATE")
    (result,) = await desk.together(note("locked out"))
    desk.site.connection.execute("ROLLBACK")
    assert isinstance(result, StoreUnavailableError)
    assert await desk.writer.run(note("after")) == "after"


async def test_the_store_is_healthy_again_when_a_probe_succeeds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "PROBE_INTERVAL_S", 0.01)
    probing = asyncio.create_task(desk.writer.probe())
    desk.disk.broken = True
    await desk.together(note("lost"))
    await asyncio.sleep(0.1)
    assert desk.told == ["failure"] * len(desk.told)
    assert len(desk.told) > 1  # each probe failed too
    desk.disk.broken = False
    async with asyncio.timeout(SOON_S):
        while not desk.writer.healthy:
            await asyncio.sleep(0.01)
    probing.cancel()
    await desk.writer.run(note("kept"))
    assert told_to_the_cloud(desk.site) == ["kept"]


async def test_a_write_stands_when_its_waiter_has_gone(desk: Desk) -> None:
    waiting = asyncio.ensure_future(desk.writer.run(note("alone")))
    beside = asyncio.ensure_future(desk.writer.run(note("beside")))
    waiting.cancel()
    assert await beside == "beside"
    assert waiting.cancelled()
    assert "beside" in noted(desk.site)


async def test_nothing_is_promised_any_more_when_the_writer_has_ended(desk: Desk) -> None:
    waiting = asyncio.ensure_future(desk.writer.run(note("too late")))
    desk.working.cancel()
    async with asyncio.timeout(SOON_S):
        with pytest.raises(StoreUnavailableError):
            await waiting
    assert noted(desk.site) == []


async def test_an_acknowledged_cursor_never_goes_back(desk: Desk) -> None:
    await desk.together(*map(note, "abc"))
    (two, three) = (outbox.hash_at(desk.site.connection, Stream.LEDGER, seq) for seq in (2, 3))
    assert two is not None
    assert three is not None
    await desk.writer.run(lambda tx: outbox.acknowledge(tx.connection, Stream.LEDGER, 3, three))
    await desk.writer.run(lambda tx: outbox.acknowledge(tx.connection, Stream.LEDGER, 2, two))
    assert outbox.heads(desk.site.connection)[Stream.LEDGER].acknowledged == 3
    assert outbox.oldest_unsent(desk.site.connection, Stream.LEDGER) is None
