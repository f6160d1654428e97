"""How far the outbox has been emptied again: acknowledged events, thinned and dropped meter values."""

from __future__ import annotations

SCRIPT = """
ALTER TABLE stream ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stream ADD COLUMN pruned_hash BLOB;
ALTER TABLE stream ADD COLUMN pruned_at TEXT;
ALTER TABLE stream ADD COLUMN thinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stream ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
"""
