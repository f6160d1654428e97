"""The frames that transactions were made of."""

from __future__ import annotations

SCRIPT = """
CREATE TABLE transaction_frame (
    id INTEGER PRIMARY KEY,
    received_at TEXT NOT NULL, charge_point TEXT NOT NULL, raw BLOB NOT NULL, answer BLOB
) STRICT;
"""
