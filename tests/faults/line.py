"""What a bad line does to a link, one trouble after the other, and how soon new records arrive once it is well."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.faults.campus import load
from tests.faults.figures import percentile
from tests.faults.judge import Book
from tests.harness.tcp_proxy import TcpProxy, Weather

SLOW = Weather(latency_s=0.15, jitter_s=0.1)
TROUBLES: dict[str, tuple[Weather, Weather]] = {
    "latency": (SLOW, SLOW),
    "loss": (Weather(loss=0.1, jitter_s=0.02), Weather(loss=0.1, jitter_s=0.02)),
    "slices": (Weather(slice_bytes=11), Weather(slice_bytes=3)),
    "narrow": (Weather(bytes_per_s=30_000), Weather(bytes_per_s=30_000)),
    "black hole up": (Weather(black_hole=True), Weather()),
    "black hole down": (Weather(), Weather(black_hole=True)),
    "black hole both ways": (Weather(black_hole=True), Weather(black_hole=True)),
}
LATENCY_POLL_S = 0.02


class Line:
    """Makes trouble at a proxy while charge points charge.

    Args:
        proxy: where.
        seconds: how long each trouble lasts.
        rounds: how often all of them come.
        seed: of the moments of the resets.
    """

    def __init__(self, proxy: TcpProxy, *, seconds: float, rounds: int, seed: int) -> None:
        self._proxy = proxy
        self._seconds = seconds
        self._rounds = rounds
        self._random = random.Random(seed)

    async def disturb(self, book: Book) -> None:
        """Make all troubles, each under load, then heal."""
        for number in range(self._rounds):
            for name, (up, down) in TROUBLES.items():
                await load(book, 20)
                self._proxy.weather(up, down)
                await asyncio.sleep(self._seconds)
                if "black hole" in name:  # one ends by itself, and one with the connection gone
                    await asyncio.to_thread(self._proxy.reset)
                self._proxy.weather()
            await self._resets(book)
            await self._refusals()
            print(f"trouble {number + 1} of {self._rounds}: {book.records} records acknowledged so far", flush=True)

    async def _resets(self, book: Book) -> None:
        until = time.monotonic() + self._seconds
        while time.monotonic() < until:
            await asyncio.sleep(self._random.uniform(0.02, 0.5))
            await asyncio.to_thread(self._proxy.reset)
        await load(book, 20)

    async def _refusals(self) -> None:
        await asyncio.to_thread(self._proxy.refuse)
        await asyncio.to_thread(self._proxy.reset)
        await asyncio.sleep(self._seconds)
        await asyncio.to_thread(self._proxy.accept)


class Arrivals:
    """Watches the database of the cloud from outside: when is each transaction there?"""

    def __init__(self, database: Path) -> None:
        self.seen_at: dict[tuple[str, int], float] = {}
        self._database = database
        self._stop = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look again and again."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def delays_s(self, book: Book, since: float) -> list[float]:
        """From the CALLRESULT of a start to its transaction in the cloud, for those answered after an instant."""
        return [self.seen_at[key] - at for key, at in book.told_at.items() if at >= since and key in self.seen_at]

    def _watch(self) -> None:
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as cloud:
            newest = 0
            while not self._stop.wait(LATENCY_POLL_S):
                for row, charge_point, number in cloud.execute(
                    "SELECT rowid, charge_point, transaction_id FROM charging_transaction WHERE rowid > ?", (newest,)
                ):
                    newest = max(newest, row)
                    self.seen_at[charge_point, number] = time.monotonic()


def p95_s(delays_s: list[float]) -> float:
    """The delay that 95 of 100 do not exceed."""
    return percentile(delays_s, 95)
