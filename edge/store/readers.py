"""Reading beside the writer: a connection per thread, so that a long list never holds up a charge point."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from edge.store.database import connect

Result = TypeVar("Result")


class Readers:
    """A small pool of read-only connections.

    Args:
        path: the database file, already migrated.
        threads: how many reads may run at once.
    """

    def __init__(self, path: Path, *, threads: int = 2) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="read")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._here = self._open()

    async def run(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `query` in a thread, in one consistent snapshot of the last commit."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run_in_thread, query)

    def run_now(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a query that is an index look-up or two on the calling thread; anything larger belongs into `run`."""
        return query(self._here)

    def close(self) -> None:
        """Wait for running reads and close all connections."""
        self._pool.shutdown()
        for connection in self._opened:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = connect(self._path, read_only=True)
        self._opened.append(connection)
        return connection

    def _run_in_thread(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._open()
        connection.execute("BEGIN")
        try:
            return query(connection)
        finally:
            connection.execute("ROLLBACK")
