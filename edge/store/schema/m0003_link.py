"""The outbox with its three streams, and the inbox of commands."""

from __future__ import annotations

import sqlite3

from contract.batch import GENESIS
from contract.streams import Stream

SCRIPT = """
CREATE TABLE stream (
    stream TEXT PRIMARY KEY,
    head INTEGER NOT NULL DEFAULT 0, head_hash BLOB NOT NULL,
    acknowledged INTEGER NOT NULL DEFAULT 0, acknowledged_hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
    stream TEXT NOT NULL, seq INTEGER NOT NULL,
    recorded_at TEXT NOT NULL, event BLOB NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE command (
    command TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    action TEXT NOT NULL, charge_point TEXT NOT NULL, payload TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    state TEXT NOT NULL,
    boot_id TEXT NOT NULL, deadline_boottime REAL NOT NULL,
    answer TEXT, error TEXT,
    received_at TEXT NOT NULL, changed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX command_by_state ON command (state);
"""


def fill(connection: sqlite3.Connection) -> None:
    """Begin the three streams."""
    connection.executemany(
        "INSERT INTO stream (stream, head_hash, acknowledged_hash) VALUES (?, ?, ?)",
        [(stream.value, GENESIS, GENESIS) for stream in Stream],
    )
