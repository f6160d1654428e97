"""Wait for a command's end, or for something to pull, without holding a thread or a connection meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from cloud.clock import Clock
from cloud.commands.schemas import FollowedCommand
from cloud.commands.service.handing_out import Asked, pull
from cloud.commands.service.reading import command
from cloud.commands.service.waking import command_key, site_key
from cloud.db.database import Database
from contract.commands import FINAL_STATES
from contract.link import CommandsAnswer

Seen = TypeVar("Seen")


async def until_final(database: Database, clock: Clock, identity: UUID, seconds: float) -> FollowedCommand:
    """The command when it has ended, or as it is after `seconds`."""
    return await _until(
        database,
        command_key(identity),
        seconds,
        look=lambda: command(database, identity, clock()),
        is_enough=lambda seen: seen.state in FINAL_STATES,
    )


async def until_items(
    database: Database,
    clock: Clock,
    asked: Asked,
    seconds: float,
    directory: int | None = None,
    *,
    aside: Callable[[], None] = lambda: None,
) -> CommandsAnswer:
    """What is to pull, or nothing after `seconds`.

    Args:
        database: where everything is.
        clock: what time it is.
        asked: who asks, and for what.
        seconds: how long it waits.
        directory: the sum of the versions of its directory that it was told last; another one ends the wait, too.
            `None`: it does not care.
        aside: called before each wait.
    """
    return await _until(
        database,
        site_key(asked.edge),
        seconds,
        look=lambda: pull(database, asked, clock()),
        is_enough=lambda seen: bool(seen.items) or directory not in {None, sum((seen.directory or {}).values())},
        aside=aside,
        unchanged=(lambda seen: seen.model_copy(update={"server_time": clock()})) if database.bell.watched else None,
    )


async def _until(
    database: Database,
    key: str,
    seconds: float,
    *,
    look: Callable[[], Seen],
    is_enough: Callable[[Seen], bool],
    aside: Callable[[], None] = lambda: None,
    unchanged: Callable[[Seen], Seen] | None = None,
) -> Seen:
    """Look until it is enough.

    `unchanged`: somebody else watches for news and gives a hint of it. Without one, what was seen still holds at the
    end, and this brings it up to the time.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    with database.bell.listen(key) as hint:
        while True:
            seen = await run_in_threadpool(look)
            left = end - loop.time()
            if is_enough(seen) or left <= 0 or database.bell.closed:
                return seen
            aside()
            was_hinted = await hint.wait(left, watched=unchanged is not None)
            if unchanged is not None and not was_hinted:
                return unchanged(seen)
