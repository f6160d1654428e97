"""Hear what other replicas on the same PostgreSQL commit: one connection that does nothing else."""

from __future__ import annotations

import asyncio
import random

import psycopg
import structlog
from psycopg import sql

from cloud.db.bell import Bell
from cloud.db.database import CHANNEL, Database

CHECK_EVERY_S = 30.0
"""How long the connection may be silent before it is asked whether it is still there."""

LONGEST_PAUSE_S = 30.0

_ANSWER_WITHIN_S = 10.0
_log = structlog.stdlib.get_logger(__name__)


async def listen(database: Database) -> None:
    """Pass the rings of other replicas to this process's bell until cancelled. SQLite has no other replicas.

    Nothing depends on it: while the connection is away, whoever waits looks at the database once a second.
    """
    if database.is_sqlite:
        return
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    pause_s = 1.0
    while True:
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
            async with connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
                database.bell.hear(None)  # what was rung meanwhile is lost
                pause_s = 1.0
                await _pass_on(connection, database.bell)
        except (psycopg.Error, OSError, TimeoutError) as error:
            _log.warning("replicas not heard", reason=type(error).__name__, looking_every_s=1)
        await asyncio.sleep(random.uniform(0, pause_s))  # noqa: S311 - spreads the replicas
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


async def _pass_on(connection: psycopg.AsyncConnection, bell: Bell) -> None:
    while True:
        async for told in connection.notifies(timeout=CHECK_EVERY_S):
            ringer, _, key = told.payload.partition(" ")
            if ringer != bell.name:
                bell.hear((key,))
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            await connection.execute("SELECT 1")
