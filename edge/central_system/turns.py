"""One at a time, the most urgent first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from types import TracebackType


class Turns:
    """A lock whose waiters are let in by rank, and among equals in the order of asking."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def turn(self, rank: int) -> _Turn:
        """Wait for a turn with `async with`; a lower rank goes first."""
        return _Turn(self, rank)

    async def take(self, rank: int) -> None:
        """Wait until it is our turn."""
        if not self._taken:
            self._taken = True
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._numbers), mine))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # it was given the turn, and cannot use it
                self.give()
            raise

    def give(self) -> None:
        """End our turn, and let the next one in."""
        while self._waiting:
            _, _, following = heapq.heappop(self._waiting)
            if not following.done():
                following.set_result(None)
                return
        self._taken = False


class _Turn:
    def __init__(self, turns: Turns, rank: int) -> None:
        self._turns = turns
        self._rank = rank

    async def __aenter__(self) -> None:
        await self._turns.take(self._rank)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turns.give()
