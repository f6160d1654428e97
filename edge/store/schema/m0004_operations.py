"""Remote starts, and what came of them."""

from __future__ import annotations

SCRIPT = """
CREATE TABLE remote_start (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    charge_point TEXT NOT NULL, connector_id INTEGER NOT NULL, id_tag TEXT NOT NULL COLLATE NOCASE,
    command TEXT,
    outcome TEXT NOT NULL,
    asked_at TEXT NOT NULL, due_at TEXT NOT NULL,
    boot_id TEXT NOT NULL, due_boottime REAL NOT NULL,
    transaction_id INTEGER
) STRICT;
CREATE INDEX remote_start_of_charge_point ON remote_start (charge_point, number);
CREATE INDEX remote_start_without_transaction ON remote_start (charge_point, connector_id, id_tag, number)
    WHERE transaction_id IS NULL;
CREATE INDEX remote_start_expected ON remote_start (outcome) WHERE outcome IN ('Asked', 'Expected');
"""
