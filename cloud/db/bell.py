"""Wake-up hints: "something about this key was committed, look again".

A hint may be lost or come for nothing; who waits looks at the database anyway, and again at least once a second
(`POLL`), or somebody does it for all who wait (`watched`). What another replica committed enters here by `hear`
(`cloud.db.listening`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

POLL = timedelta(seconds=1)
"""How long a hint may be lost before the database is looked at all the same."""


class Hint:
    """One waiter's place at the bell."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def give(self) -> None:
        """Wake the waiter, now or at its next wait."""
        self._event.set()

    async def wait(self, seconds: float, *, watched: bool = False) -> bool:
        """Return at the next hint (true), after `seconds`, or after `POLL`, whichever comes first.

        Args:
            seconds: the longest.
            watched: somebody else looks at the database every `POLL`, and gives this hint: no need to return for that.
        """
        try:
            await asyncio.wait_for(self._event.wait(), seconds if watched else min(seconds, POLL.total_seconds()))
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Bell:
    """Who waits for which key. Ring it from any thread; wait at it on the event loop."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[Hint]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.taps: list[Callable[[str], None]] = []
        """Told each key that is rung by this process, in the thread that rings."""
        self.watched = False
        """Whether somebody looks at the database once a second for the edges that wait (`cloud.commands`)."""
        self.closed = False
        self.name = uuid4().hex
        """Tells the rings of this process from those of other replicas."""

    @contextmanager
    def listen(self, key: str) -> Iterator[Hint]:
        """Take a place before looking at the database, so that nothing rings in between unheard."""
        self._loop = asyncio.get_running_loop()
        hint = Hint()
        self._waiting[key].add(hint)
        try:
            yield hint
        finally:
            self._waiting[key].discard(hint)
            if not self._waiting[key]:
                del self._waiting[key]

    def waiting(self) -> list[str]:
        """The keys that somebody waits for. Call it on the event loop."""
        return list(self._waiting)

    def ring(self, keys: Iterable[str]) -> None:
        """Wake everybody who waits for one of `keys`. Call it after the commit."""
        keys = tuple(keys)
        for tap in self.taps:
            for key in keys:
                tap(key)
        self.hear(keys)

    def hear(self, keys: Iterable[str] | None) -> None:
        """Wake who waits in this process: another replica rang. `None`: nobody knows for whom, so all are woken."""
        keys = None if keys is None else tuple(keys)
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._give, keys)

    def close(self) -> None:
        """The process is stopping: all waiters return now, and nobody waits any more. Call it on the event loop."""
        self.closed = True
        self._give(None)

    def _give(self, keys: tuple[str, ...] | None) -> None:
        for key in tuple(self._waiting) if keys is None else keys:
            for hint in self._waiting.get(key, ()):
                hint.give()
