"""How the edge opens its SQLite file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from edge.errors import StoreError

BUSY_TIMEOUT_S = 5.0

LARGEST = 2**63 - 1
"""The largest integer that a row can hold; JSON may carry larger ones."""


def connect(path: Path, *, read_only: bool = False, synchronous: str = "FULL") -> sqlite3.Connection:
    """Open the database with the pragmas that its guarantees rest on.

    WAL lets readers work beside the one writer; `synchronous=FULL` makes a commit survive a power cut
    (https://sqlite.org/pragma.html#pragma_synchronous). Transactions are begun by hand, never by the module.

    Args:
        path: the file; created when missing, unless `read_only`.
        read_only: refuse to write through this connection.
        synchronous: for the control run of the power-cut test alone.

    Raises:
        StoreError: the file cannot be opened.
    """
    try:
        if not read_only:
            path.touch(mode=0o600)  # SQLite would let everybody read it, and gives its other files the same mode
        connection = sqlite3.connect(
            path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA cache_size=-16000")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"The database {path} cannot be opened: {error}",
            hint="Check that the folder exists, that this user may write to it, and that the disk is not full.",
        ) from error
    return connection


def make_folder(folder: Path) -> None:
    """Make the folder of the database; only its owner may look into it.

    Raises:
        StoreError: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The data folder {folder} cannot be made: {error.strerror}",
            hint="Set GARDU_EDGE_DATA_DIR to a folder that this user may write to.",
        ) from error


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the data folder for this process alone: two edges on one database would run each command twice.

    Raises:
        StoreError: another edge runs on it.
    """
    path = folder / "edge.lock"
    with path.open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise StoreError(
                f"Another edge (process {lock.read().strip() or 'unknown'}) runs on the data folder {folder}.",
                hint="Stop it first, or give this one a folder of its own with GARDU_EDGE_DATA_DIR.",
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
