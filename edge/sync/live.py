"""Tells the cloud the newest of each connector, beside the streams: the console stays live while a backlog drains."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import structlog

from contract.live import MOST_CONNECTORS, LiveAnswer, LiveNews, LiveSample, LiveState
from edge.clock import Clock
from edge.store import live
from edge.store.live import Picture, Place
from edge.store.readers import Readers
from edge.sync.carrier import Carrier

PAUSE_S = 30.0
"""After news that did not arrive. Nothing is lost by it: the streams have everything."""

_log = structlog.get_logger()


class LiveTeller:
    """Looks at the store again and again, and tells what is new. Best effort: whatever fails is told by the next look.

    Args:
        readers: for looking.
        clock: stamps what is told.
        carrier: brings it up.
        is_connected: whether the link stands; while it does not, nothing is tried.
        every_s: from one look to the next.
        pause_s: after a failure.
    """

    def __init__(
        self,
        *,
        readers: Readers,
        clock: Clock,
        carrier: Carrier,
        is_connected: Callable[[], bool],
        every_s: float,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._readers = readers
        self._clock = clock
        self._carrier = carrier
        self._is_connected = is_connected
        self._every_s = every_s
        self._pause_s = pause_s
        self._head: int | None = None
        self._told: dict[Place, LiveState] = {}
        self._waiting: dict[Place, LiveSample] = {}

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            if not self._is_connected():
                self._told.clear()  # what the cloud was told may be old by now
                continue
            try:
                well = await self._tell()
            except sqlite3.Error as error:
                _log.warning("live_not_read", error=str(error))
                well = False
            except Exception:  # noqa: BLE001 - the task border: news must never take the link down
                _log.exception("live_broke")
                well = False
            if not well:
                self._told.clear()
                await asyncio.sleep(self._pause_s)

    async def _tell(self) -> bool:
        picture = await self._readers.run(self._look)
        self._head = picture.head
        self._waiting |= picture.samples
        states = {place: state for place, state in picture.states.items() if self._told.get(place) != state}
        for news in self._portions(states):
            if not isinstance(await self._carrier.tell_live(news), LiveAnswer):
                return False
            self._told |= {(state.charge_point, state.connector_id): state for state in news.states}
            for sample in news.samples:
                self._waiting.pop((sample.charge_point, sample.connector_id), None)
        return True

    def _look(self, connection: sqlite3.Connection) -> Picture:
        """Look from now on: what was there before the start is no news."""
        after = live.newest_number(connection) if self._head is None else self._head
        return live.look(connection, after)

    def _portions(self, states: Mapping[Place, LiveState]) -> Iterator[LiveNews]:
        some, more = iter(list(states.values())), iter(list(self._waiting.values()))
        while True:
            news = LiveNews(
                told_at=self._clock.now(),
                states=list(islice(some, MOST_CONNECTORS)),
                samples=list(islice(more, MOST_CONNECTORS)),
            )
            if not news.states and not news.samples:
                return
            yield news
