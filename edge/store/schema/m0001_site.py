"""Who this edge is, the charge points and the id tags."""

from __future__ import annotations

import sqlite3
import uuid

SCRIPT = """
CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    store_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    incarnation TEXT,
    last_command_number INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE charge_point (
    charge_point TEXT PRIMARY KEY,
    registration_status TEXT NOT NULL,
    vendor TEXT, model TEXT, serial_number TEXT, firmware_version TEXT,
    boot_payload TEXT, booted_at TEXT, last_seen_at TEXT,
    created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE charge_point_key (
    charge_point TEXT NOT NULL REFERENCES charge_point ON DELETE CASCADE,
    salt BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (charge_point, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE connector (
    charge_point TEXT NOT NULL REFERENCES charge_point ON DELETE CASCADE,
    connector_id INTEGER NOT NULL,
    status TEXT NOT NULL, error_code TEXT NOT NULL,
    info TEXT, vendor_error_code TEXT,
    status_at TEXT NOT NULL, received_at TEXT NOT NULL,
    PRIMARY KEY (charge_point, connector_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE id_tag (
    id_tag TEXT PRIMARY KEY COLLATE NOCASE,
    status TEXT NOT NULL, expires_at TEXT, parent_id_tag TEXT COLLATE NOCASE, note TEXT,
    updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""


def fill(connection: sqlite3.Connection) -> None:
    """Give the new database its identity."""
    connection.execute("INSERT INTO identity (one, store_id, epoch) VALUES (1, ?, 1)", (str(uuid.uuid4()),))
