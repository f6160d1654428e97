"""The digests of days, as they were last told."""

from __future__ import annotations

SCRIPT = """
CREATE TABLE day_digest (
    day TEXT PRIMARY KEY,
    hash TEXT NOT NULL, told_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX transaction_by_end ON charging_transaction (stopped_at) WHERE stopped_at IS NOT NULL;
"""
