"""Events that the cloud could not take: set aside here, for another try after an upgrade."""

from __future__ import annotations

SCRIPT = """
CREATE TABLE set_aside (
    number INTEGER PRIMARY KEY,
    stream TEXT NOT NULL, seq INTEGER NOT NULL,
    set_aside_at TEXT NOT NULL, why TEXT NOT NULL, event BLOB NOT NULL,
    sent_again_at TEXT
) STRICT;
CREATE INDEX set_aside_waiting ON set_aside (number) WHERE sent_again_at IS NULL;
"""
