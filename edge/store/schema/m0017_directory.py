"""The directory that comes down from the cloud, and what an id tag's row is worth beside it."""

from __future__ import annotations

SCRIPT = """
CREATE TABLE directory_set (
    name TEXT PRIMARY KEY,
    incarnation TEXT NOT NULL, version INTEGER NOT NULL,
    hash TEXT NOT NULL, entries INTEGER NOT NULL,
    applied_at TEXT NOT NULL, checked_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE directory_entry (
    set_name TEXT NOT NULL, key TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (set_name, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE directory_staged (
    set_name TEXT NOT NULL, key TEXT NOT NULL, content TEXT,
    version INTEGER NOT NULL, readable INTEGER NOT NULL,
    PRIMARY KEY (set_name, key)
) STRICT, WITHOUT ROWID;
ALTER TABLE id_tag ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE id_tag ADD COLUMN local INTEGER NOT NULL DEFAULT 1;
CREATE TABLE id_tag_removal (
    id_tag TEXT PRIMARY KEY COLLATE NOCASE, version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE energy_limit (
    transaction_id INTEGER PRIMARY KEY, limit_wh INTEGER NOT NULL, asked_at TEXT
) STRICT, WITHOUT ROWID;
"""
