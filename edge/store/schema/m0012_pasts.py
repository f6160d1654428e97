"""Checkpoints of the rolling hashes, which outlive the events; the claim with which an edge asks for an epoch."""

from __future__ import annotations

SCRIPT = """
CREATE TABLE checkpoint (
    stream TEXT NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO checkpoint (stream, seq, hash) SELECT stream, seq, hash FROM outbox WHERE seq % 1000 = 0;
ALTER TABLE identity ADD COLUMN claim TEXT;
"""
