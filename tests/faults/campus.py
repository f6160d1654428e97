"""A campus of real processes under load, and what the judge asks of it at the end."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.judge import Book, JudgedChargePoint
from tests.faults.verdict import Verdict, compare, damage, stored_values
from tests.harness.processes import Cloud, Edge, Process
from tests.harness.tcp_proxy import TcpProxy

CHARGE_POINTS = 12


@dataclass
class Campus:
    """One cloud, one edge, charge points that the edge knows."""

    cloud: Cloud
    edge: Edge
    passwords: dict[str, str] = field(default_factory=dict)

    def furnish(self, charge_points: int = CHARGE_POINTS) -> None:
        """Make charge points and their id tags known."""
        for number in range(charge_points):
            self.passwords[f"CP-{number}"] = self.edge.add_charge_point(f"CP-{number}")
            self.edge.add_id_tag(f"TAG-{number}")

    async def charge_while(self, disturb: Callable[[Book], Awaitable[None]]) -> Book:
        """Let all charge points charge while `disturb` runs, then let them end what they began."""
        book = Book()
        charge_points = [
            JudgedChargePoint(self.edge.ws_url, identity, password, f"TAG-{number}", book, seed=number)
            for number, (identity, password) in enumerate(self.passwords.items())
        ]
        async with asyncio.TaskGroup() as group:
            for charge_point in charge_points:
                group.create_task(charge_point.run())
            await disturb(book)
            for charge_point in charge_points:
                charge_point.finish.set()
        return book

    def judge(self, book: Book, *, drained_within_s: float = 240.0) -> Verdict:
        """Hold the book against what the cloud and the edge have, and look for damage at both.

        Returns:
            What was found; nothing, as the caller shows after it has recorded it.
        """
        self.edge.wait_drained(drained_within_s)
        assert set(book.stops) == set(book.starts)
        verdict = Verdict()
        verdict.add(self.hold_against_cloud(book), "cloud")
        values = stored_values(self.edge_database)
        verdict.add(compare(book, self.edge.items("/api/v1/transactions"), values), "edge")
        verdict.corrupt += [("quarantine", row) for row in self.edge.items("/api/v1/quarantine")]
        verdict.corrupt += [("edge.db", line) for line in damage(self.edge_database)]
        verdict.corrupt += [("dead letter", letter) for letter in self.cloud.items("/api/v1/dead-letters")]
        return verdict

    def hold_against_cloud(self, book: Book) -> Verdict:
        """Hold the book against what the cloud has."""
        return compare(book, self.cloud.items("/api/v1/transactions"), self.cloud.items("/api/v1/meter-values"))

    @property
    def edge_database(self) -> Path:
        return Path(self.edge.environment["GARDU_EDGE_DATA_DIR"]) / "edge.db"

    async def catch_up(self, within_s: float = 120.0) -> float:
        """Wait until the cloud has all that the edge has now, whatever is added meanwhile; returns the seconds."""
        began = time.monotonic()
        heads = {name: stream["head"] for name, stream in (await asyncio.to_thread(self.edge.outbox)).items()}
        async with asyncio.timeout(within_s):
            while any(
                stream["acknowledged"] < heads[name]
                for name, stream in (await asyncio.to_thread(self.edge.outbox)).items()
            ):
                await asyncio.sleep(0.1)
        return time.monotonic() - began

    def dead_letters(self) -> int:
        streams = self.streams()
        return sum(stream["dead_letters"] for stream in streams.values())

    def streams(self) -> dict[str, Any]:
        """How far the cloud has come, by stream."""
        streams: dict[str, Any] = self.cloud.items("/api/v1/sites")[0]["link"]["streams"]
        return streams


@contextmanager
def campus(
    folder: Path, *, proxied: bool = False, cloud_module: str = "cloud.cli", **settings: str
) -> Iterator[tuple[Campus, TcpProxy]]:
    """Run a campus whose link is plain HTTP, through a proxy if wanted."""
    cloud = Cloud.create(folder / "cloud")
    cloud.module = cloud_module
    with cloud.start(), TcpProxy(cloud.port) as proxy:
        url = f"http://127.0.0.1:{proxy.port}" if proxied else cloud.url
        edge = Edge.create(folder / "edge", cloud_url=url, cloud_secret=cloud.secrets["north"], **settings)
        with edge.start():
            yield Campus(cloud, edge), proxy


async def load(book: Book, records: int) -> None:
    """Wait for so many more acknowledged records, however slow the machine: no fault hits an idle process."""
    before = book.records
    while book.records < before + records:
        await asyncio.sleep(0.02)


def kill_again_and_again(
    process: Process, rounds: int, seed: int, first_answers_s: list[float] | None = None
) -> Callable[[Book], Awaitable[None]]:
    """Kill a process at random moments under load, and start it again; note how long the first answer then took."""
    chance = random.Random(seed)

    async def disturb(book: Book) -> None:
        for number in range(rounds):
            await load(book, 50)
            await asyncio.sleep(chance.uniform(0.0, 0.3))
            await asyncio.to_thread(process.kill)
            book.first_answer_at, began = None, time.monotonic()
            await asyncio.to_thread(process.start)
            if number % 10 == 9:
                print(f"kill {number + 1} of {rounds}: {book.records} records acknowledged so far", flush=True)
            if first_answers_s is not None:
                first_answers_s.append(await _first_answer(book) - began)

    return disturb


async def _first_answer(book: Book) -> float:
    while book.first_answer_at is None:
        await asyncio.sleep(0.005)
    return book.first_answer_at
