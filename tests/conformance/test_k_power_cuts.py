"""K41 and K61: the edge dies without a word, again and again, and what charge points keep arrives whole."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import resource
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.faults.verdict import compare
from tests.harness.processes import Edge
from tests.harness.queue_player import QueueBook, QueuePlayer, Rules, charged_offline

pytestmark = pytest.mark.timeout(1800)

STARTING = 150
"""Charge points of K41: as many calls are in flight when the edge is killed, about half of them starts."""
NOT_FILES = 200
"""File descriptors that are no charge points' sockets."""


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    edge = Edge.create(tmp_path / "edge", LOG__LEVEL="ERROR")
    with edge.start():
        yield edge


@pytest.fixture
def cuts() -> int:
    """How many starts are cut in K41: `make test` 10, `make faults` 1,000."""
    return int(os.environ.get("GARDU_FAULT_CUTS", "10"))


def known(edge: Edge, count: int) -> dict[str, str]:
    """Make charge points known, each with an id tag of its own; returns their passwords."""
    passwords = {}
    with edge.client() as client:
        for number in range(count):
            client.put(f"/api/v1/id-tags/TAG-{number}", json={"status": "Accepted"}).raise_for_status()
            put = client.put(f"/api/v1/charge-points/CP-{number}", json={"registration_status": "Accepted"})
            passwords[f"CP-{number}"] = put.raise_for_status().json()["password"]
    return passwords


async def restart(edge: Edge) -> None:
    """`kill -9`, and start it again."""
    await asyncio.to_thread(edge.kill)
    await asyncio.to_thread(edge.start)


def hold_against_the_store(book: QueueBook, edge: Edge) -> None:
    """What the charge points were told is stored is stored: once, unchanged, and nothing beside it."""
    assert not book.refused
    assert not book.reused
    assert not book.exhausted
    transactions = edge.items("/api/v1/transactions")
    values = meter_values(edge)
    verdict = compare(book, transactions, values)
    assert not verdict, verdict
    assert all(one["stopped_at"] is not None and not one["estimated"] for one in transactions)
    assert len(values) == len(book.samples)
    belongs = {(one["charge_point"], one["sampled_at"]): one["transaction_id"] for one in values}
    assert belongs == book.samples_of


def meter_values(edge: Edge) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"file:{database(edge)}?mode=ro", uri=True)) as store:
        store.row_factory = sqlite3.Row
        return [
            dict(row)
            for row in store.execute("SELECT charge_point, sampled_at, samples, transaction_id FROM meter_value")
        ]


def database(edge: Edge) -> Path:
    return edge.folder / "data" / "edge.db"


@pytest.mark.parametrize(("charge_points", "transactions", "samples"), [(200, 10, 18), (1000, 2, 8)])
async def test_k61_the_queues_of_a_building_drain_without_a_loss_and_without_an_exhausted_attempt(
    edge: Edge, charge_points: int, transactions: int, samples: int
) -> None:
    """200 charge points with 200 messages each, and 1,000 with 20 each, after a power cut of the building.

    The edge comes up after them, is killed as soon as the first records arrive, and once more in the middle.
    """
    require_files(charge_points + NOT_FILES)
    passwords = await asyncio.to_thread(known, edge, charge_points)
    await asyncio.to_thread(edge.kill)
    book, began = QueueBook(), time.monotonic()
    whole = charge_points * transactions * (samples + 2)
    async with asyncio.TaskGroup() as building:
        for number, (identity, password) in enumerate(passwords.items()):
            records = charged_offline(f"TAG-{number}", number, range(transactions), samples)
            player = QueuePlayer(edge.central_system_port, identity, password, book, Rules())
            building.create_task(player.deliver(records))
        await asyncio.to_thread(edge.start)
        for share in (0.01, 0.5):
            while book.records < share * whole:
                await asyncio.sleep(0.01)
            await restart(edge)
    took_s = time.monotonic() - began
    assert book.records == whole
    hold_against_the_store(book, edge)
    print(
        f"\nK61: {charge_points} charge points x {whole // charge_points} messages: {whole:,} records, {took_s:.0f} s, "
        f"2 kills, {book.connections} connections, {book.transmissions - whole} transmissions again, "
        f"at most {book.most_attempts} of 3 attempts; load {os.getloadavg()[0]:.1f}"
    )


async def test_k41_a_start_that_is_cut_before_its_answer_becomes_one_transaction(edge: Edge, cuts: int) -> None:
    """`kill -9` at random moments while many charge points wait for the answer to a StartTransaction.

    A cut is a StartTransaction that was sent and whose connection broke before the answer was read. It may lie in the
    socket still, run, be committed, or be answered on a wire that nobody read. What the database held at the moment of
    each kill is looked up in a copy of its files, so that both sides of the commit are seen to be hit.
    """
    passwords = await asyncio.to_thread(known, edge, STARTING)
    book, chance, enough = QueueBook(), random.Random(41), asyncio.Event()
    kills = committed = 0
    async with asyncio.TaskGroup() as site:
        for number, (identity, password) in enumerate(passwords.items()):
            endless = itertools.takewhile(lambda _: not enough.is_set(), itertools.count())
            records = charged_offline(f"TAG-{number}", number, endless, samples=number % 3)
            player = QueuePlayer(
                edge.central_system_port, identity, password, book, Rules(attempts=20, interval_s=0.02)
            )
            site.create_task(player.deliver(records))
        while book.cut_starts < cuts:
            again = book.records + chance.randint(1, 3) * STARTING  # everyone is at it again
            while book.records < again:
                await asyncio.sleep(0.01)
            await asyncio.sleep(chance.uniform(0.0, 0.1))
            await asyncio.to_thread(edge.kill)
            await asyncio.sleep(0.05)  # answers that had left are read
            kills += 1
            committed += await asyncio.to_thread(unanswered_starts, edge, book)
            await asyncio.to_thread(edge.start)
        enough.set()
    assert set(book.stops) == set(book.starts)
    hold_against_the_store(book, edge)
    print(
        f"\nK41: {book.cut_starts} starts cut by {kills} kills, {committed} of them committed and not answered; "
        f"{len(book.starts):,} transactions, each once; load {os.getloadavg()[0]:.1f}"
    )


def unanswered_starts(edge: Edge, book: QueueBook) -> int:
    """Count the transactions in a copy of a dead edge's database that no charge point has been told of."""
    copy = edge.folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(database(edge).parent, copy)
    with closing(sqlite3.connect(copy / database(edge).name)) as store:
        stored = {number for (number,) in store.execute("SELECT transaction_id FROM charging_transaction")}
    return len(stored - set(book.given))


def require_files(count: int) -> None:
    """Let this process, and those that it starts, hold so many sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * count), hard))
