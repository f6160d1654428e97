"""Look once a second, in one question, for all edges that wait: a lost hint then costs a second, and a herd little."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from starlette.concurrency import run_in_threadpool

from cloud.commands import repository
from cloud.commands.service.waking import site_key, site_of
from cloud.db.bell import POLL
from cloud.db.database import Database

_log = structlog.stdlib.get_logger(__name__)
_IN_ONE_QUESTION = 500


class Watch:
    """Wakes those edges whose site has news that no hint told of.

    Args:
        database: where everything is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[str, tuple[int, int, bool, int]] = {}
        """As it was at the last look, before which nobody who waits now can have missed anything."""

    async def look_for_ever(self) -> None:
        """Work until cancelled."""
        bell = self._database.bell
        bell.watched = True
        try:
            while True:
                await asyncio.sleep(POLL.total_seconds())
                await self._look(sorted(filter(None, map(site_of, bell.waiting()))))
        finally:
            bell.watched = False

    async def _look(self, sites: Sequence[str]) -> None:
        if not sites:
            return
        try:
            news = await run_in_threadpool(self.news, sites)
        except Exception:  # noqa: BLE001 - the task's border: a database that is away comes back
            _log.exception("could not look for edges that wait", edges=len(sites))
            return
        self._database.bell.hear(map(site_key, news))

    def news(self, sites: Sequence[str]) -> list[str]:
        """Those of `sites` where something differs from the last look, or that are looked at for the first time."""
        now = dict[str, tuple[int, int, bool, int]]()
        with self._database.read() as unit:
            for start in range(0, len(sites), _IN_ONE_QUESTION):
                now |= repository.marks(unit, sites[start : start + _IN_ONE_QUESTION])
        changed = [site for site, mark in now.items() if self._seen.get(site) != mark]
        self._seen |= now
        return changed
