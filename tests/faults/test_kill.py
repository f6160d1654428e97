"""Processes killed at random moments under load: every acknowledged record is in the cloud, once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.judge import Book, JudgedChargePoint, compare
from tests.harness.processes import Cloud, Edge, Process

CHARGE_POINTS = 12

pytestmark = pytest.mark.timeout(1200)


@dataclass
class Campus:
    cloud: Cloud
    edge: Edge
    passwords: dict[str, str]


@pytest.fixture
def campus(tmp_path: Path) -> Iterator[Campus]:
    cloud = Cloud.create(tmp_path / "cloud").start()
    edge = Edge.create(tmp_path / "edge", cloud_url=cloud.url, cloud_secret=cloud.secrets["north"]).start()
    with cloud, edge:
        passwords = {}
        for number in range(CHARGE_POINTS):
            passwords[f"CP-{number}"] = edge.add_charge_point(f"CP-{number}")
            edge.add_id_tag(f"TAG-{number}")
        yield Campus(cloud, edge, passwords)


async def charge_while(campus: Campus, disturb: Callable[[Book], Awaitable[None]]) -> Book:
    """Let all charge points charge while `disturb` runs, then let them end what they began."""
    book = Book()
    charge_points = [
        JudgedChargePoint(campus.edge.ws_url, identity, password, f"TAG-{number}", book, seed=number)
        for number, (identity, password) in enumerate(campus.passwords.items())
    ]
    async with asyncio.TaskGroup() as group:
        for charge_point in charge_points:
            group.create_task(charge_point.run())
        await disturb(book)
        for charge_point in charge_points:
            charge_point.finish.set()
    return book


def kill_again_and_again(process: Process, rounds: int, seed: int) -> Callable[[Book], Awaitable[None]]:
    chance = random.Random(seed)

    async def disturb(book: Book) -> None:
        for number in range(rounds):
            before = book.records
            while book.records < before + 50:  # load, however slow the machine: no kill hits an idle process
                await asyncio.sleep(0.05)
            await asyncio.sleep(chance.uniform(0.0, 0.3))
            await asyncio.to_thread(process.kill)
            await asyncio.to_thread(process.start)
            print(f"kill {number + 1} of {rounds}: {book.records} records acknowledged so far")

    return disturb


def judge(campus: Campus, book: Book) -> None:
    campus.edge.wait_drained(240)
    assert not book.refused
    assert not book.reused
    assert set(book.stops) == set(book.starts)
    for process in (campus.cloud, campus.edge):
        transactions = process.items("/api/v1/transactions")
        meter_values = campus.cloud.items("/api/v1/meter-values")
        verdict = compare(book, transactions, meter_values)
        assert not verdict, f"{process.module}: {verdict}"


async def test_a_killed_edge_loses_and_doubles_nothing(campus: Campus, rounds: int) -> None:
    book = await charge_while(campus, kill_again_and_again(campus.edge, rounds, seed=1))
    assert book.connections >= CHARGE_POINTS * (rounds + 1)
    judge(campus, book)


async def test_a_killed_cloud_loses_and_doubles_nothing(campus: Campus, rounds: int) -> None:
    book = await charge_while(campus, kill_again_and_again(campus.cloud, rounds, seed=2))
    assert book.connections == CHARGE_POINTS  # no charge point noticed
    judge(campus, book)


async def test_the_judge_bites(campus: Campus) -> None:
    """A control: a record that is taken out of the store, or put in twice, is found."""

    async def a_while(book: Book) -> None:
        while book.records < 200:
            await asyncio.sleep(0.05)

    book = await charge_while(campus, a_while)
    campus.edge.wait_drained(240)
    transactions = campus.cloud.items("/api/v1/transactions")
    meter_values = campus.cloud.items("/api/v1/meter-values")
    assert not compare(book, transactions, meter_values)
    assert len(compare(book, transactions[1:], meter_values).lost) == 1
    assert compare(book, [*transactions, transactions[0]], meter_values).doubled
    assert len(compare(book, transactions, meter_values[1:]).lost) == 1
    assert compare(book, transactions, [*meter_values, meter_values[0]]).doubled
    altered = transactions[0] | {"energy_wh": 1_000_000}
    assert compare(book, [altered, *transactions[1:]], meter_values).changed
