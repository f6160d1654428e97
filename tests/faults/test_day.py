"""A day of 200 charge points in simulated time: what the judge was told is stored equals what is stored."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import uvloop

from edge import app, config
from edge.clock import Clock
from edge.config import Settings
from edge.store.database import make_folder
from simulator.plan import Plan
from tests.faults.verdict import compare
from tests.harness.day_charge_point import DayChargePoint, Mishaps
from tests.harness.day_plan import Day, Window
from tests.harness.plain_http import PLAIN
from tests.harness.processes import all_pages, free_port
from tests.harness.queue_player import QueueBook, Rules

pytestmark = pytest.mark.timeout(3600)

CHARGE_POINTS = 200
TICK = timedelta(seconds=60)
"""The step of the simulated clock: what happens within one step arrives together, and shares commits."""
LOSS = 0.004


class DayClock(Clock):
    """Tells the simulated time of day; time-outs stay those of the machine."""

    at = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)

    def machine(self) -> datetime:
        return self.at


@pytest.fixture
def sample() -> timedelta:
    """The interval of meter values: the short form 300 s, `make faults` 60 s."""
    return timedelta(seconds=int(os.environ.get("GARDU_FAULT_SAMPLE_S", "300")))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in list(os.environ):
        if name.startswith("GARDU_EDGE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GARDU_EDGE_SITE", "north")
    monkeypatch.setenv("GARDU_EDGE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GARDU_EDGE_CENTRAL_SYSTEM__HOST", "127.0.0.1")
    monkeypatch.setenv("GARDU_EDGE_CENTRAL_SYSTEM__PORT", str(free_port()))
    monkeypatch.setenv("GARDU_EDGE_API__PORT", str(free_port()))
    make_folder(tmp_path / "data")
    return config.load()


def furnish(api_port: int, id_tags: list[str]) -> dict[str, str]:
    """Make the charge points and id tags known; returns the passwords."""
    passwords = {}
    with httpx.Client(verify=PLAIN, base_url=f"http://127.0.0.1:{api_port}", timeout=60, trust_env=False) as api:
        for id_tag in id_tags:
            api.put(f"/api/v1/id-tags/{id_tag}", json={"status": "Accepted"}).raise_for_status()
        for number in range(CHARGE_POINTS):
            put = api.put(f"/api/v1/charge-points/CP-{number}", json={"registration_status": "Accepted"})
            passwords[f"CP-{number}"] = put.raise_for_status().json()["password"]
    return passwords


def plan(number: int) -> Plan:
    """Every second charge point has two connectors; each connector has its own drivers."""
    connectors = range(1, 2 + number % 2)
    tags: dict[int, tuple[str, ...]] = {one: (f"T{number}-{one}-A", f"T{number}-{one}-B") for one in connectors}
    return Plan(seed=7, identity=f"CP-{number}", id_tags=tags)


def absences(number: int, midnight: datetime) -> list[Window]:
    """A quarter of them lose the network for three hours and a half; all of them, now and then, for minutes."""
    chance = random.Random(f"absent {number}")
    short = [midnight + timedelta(seconds=chance.randrange(86_400)) for _ in range(3)]
    windows = [Window(at, at + timedelta(seconds=chance.randrange(60, 900))) for at in short]
    if number % 4 == 0:
        windows.append(Window(midnight + timedelta(hours=17), midnight + timedelta(hours=20, minutes=30)))
    return windows


async def live(clock: DayClock, port: int, charge_points: list[DayChargePoint], until: datetime) -> None:
    """Move the clock, step by step, and let those live for whom something is due."""
    due = dict.fromkeys(range(len(charge_points)), clock.at)
    while clock.at < until and not all(charge_point.done for charge_point in charge_points):
        now = clock.at
        woken = [number for number, at in due.items() if at <= now]
        times = await asyncio.gather(*(charge_points[number].live(port, now) for number in woken))
        due.update(zip(woken, times, strict=True))
        clock.at += TICK


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """A whole day of connections would be told."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()


def test_a_day_of_200_charge_points_ends_with_the_ledger_equal_to_the_store(
    settings: Settings, sample: timedelta
) -> None:
    """The whole edge runs in this process, with a clock of the test: sockets, writer, store and API are the real ones.

    At 13:00 the building has no power for ten minutes, the edge included. From 17:00 to 20:30 a quarter of the charge
    points has no network. Messages and answers are lost on the way; charge points that reconnect do not boot.
    """
    uvloop.run(a_day(settings, sample))


async def a_day(settings: Settings, sample: timedelta) -> None:
    clock, book, mishaps, began = DayClock(), QueueBook(), Mishaps(), time.process_time()
    midnight = clock.at
    noon_cut = Window(midnight + timedelta(hours=13), midnight + timedelta(hours=13, minutes=10))
    day = Day(Window(midnight, midnight + timedelta(days=1)), noon_cut, sample)
    plans = [plan(number) for number in range(CHARGE_POINTS)]
    tags = [tag for one in plans for drivers in one.id_tags.values() for tag in drivers]
    async with app._started(settings, clock) as edge:
        passwords = await asyncio.to_thread(furnish, edge.api_port, tags)
        charge_points = [
            DayChargePoint(
                identity=one.identity,
                password=passwords[one.identity],
                acts=day.at(one),
                absent=absences(number, midnight),
                book=book,
                mishaps=mishaps,
                rules=Rules(attempts=10, interval_s=60),
                loss=LOSS,
            )
            for number, one in enumerate(plans)
        ]
        await live(clock, edge.central_system.port, charge_points, noon_cut.since)
        for charge_point in charge_points:
            charge_point.lose_power()
    clock.at = noon_cut.until
    async with app._started(settings, clock) as edge:
        await live(clock, edge.central_system.port, charge_points, day.whole.until + timedelta(hours=3))
        transactions = await asyncio.to_thread(stored_transactions, edge.api_port)
        for charge_point in charge_points:
            charge_point.hang_up()
    values = stored_values(settings.database)
    hold(book, mishaps, transactions, values)
    print(
        f"\n{CHARGE_POINTS} charge points, samples each {sample.seconds} s: {len(transactions):,} transactions, "
        f"{len(values):,} meter values, {book.transmissions:,} transmissions, {mishaps.lost_on_the_way} messages and "
        f"{mishaps.lost_answers} answers lost, {mishaps.born_offline} starts without a line, at most "
        f"{book.most_attempts} of 10 attempts and {mishaps.longest_delay} late; {time.process_time() - began:.0f} s of "
        f"CPU; load {os.getloadavg()[0]:.1f}"
    )


def stored_transactions(api_port: int) -> list[dict[str, Any]]:
    with httpx.Client(verify=PLAIN, base_url=f"http://127.0.0.1:{api_port}", timeout=60, trust_env=False) as api:
        return all_pages(api, "/api/v1/transactions")


def stored_values(database: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        store.row_factory = sqlite3.Row
        return [dict(row) for row in store.execute("SELECT * FROM meter_value")]


def hold(book: QueueBook, mishaps: Mishaps, transactions: list[dict[str, Any]], values: list[dict[str, Any]]) -> None:
    """The ledger equals the store: transactions, their energies, and every meter value with its transaction."""
    assert not book.refused
    assert not book.reused
    assert not book.exhausted
    assert set(book.stops) == set(book.starts)
    verdict = compare(book, transactions, values)
    assert not verdict, verdict
    assert [one["transaction_id"] for one in transactions if one["stopped_at"] is None or one["estimated"]] == []
    stored = {
        (one["charge_point"], one["sampled_at"]): (one["transaction_id"], json.loads(one["samples"])[0]["value"])
        for one in values
    }
    assert len(stored) == len(values)
    assert stored == {key: (number, book.samples[key]) for key, number in book.samples_of.items()}
    energy_wh = sum(stop["meterStop"] - book.starts[key]["meterStart"] for key, stop in book.stops.items())
    assert sum(one["energy_wh"] for one in transactions) == energy_wh
    # A day without mishaps would prove nothing.
    assert len(transactions) > 5 * CHARGE_POINTS
    assert min(mishaps.lost_on_the_way, mishaps.lost_answers, mishaps.born_offline) > 50
    assert mishaps.longest_delay > timedelta(hours=3)
