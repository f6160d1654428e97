"""What tells transactions apart, what doubts them, who ended them; decisions on id tags; clocks."""

from __future__ import annotations

SCRIPT = """
ALTER TABLE charge_point ADD COLUMN boots INTEGER NOT NULL DEFAULT 0;
ALTER TABLE id_tag ADD COLUMN status_since TEXT;
UPDATE id_tag SET status_since = updated_at;
ALTER TABLE charging_transaction ADD COLUMN start_said TEXT;
ALTER TABLE charging_transaction ADD COLUMN id_tag_reason TEXT;
ALTER TABLE charging_transaction ADD COLUMN started_at_raw TEXT;
ALTER TABLE charging_transaction ADD COLUMN stopped_at_raw TEXT;
ALTER TABLE charging_transaction ADD COLUMN baseline_wh INTEGER;
ALTER TABLE charging_transaction ADD COLUMN suspect_since TEXT;
ALTER TABLE charging_transaction ADD COLUMN suspect_why TEXT;
ALTER TABLE charging_transaction ADD COLUMN alive_at TEXT;
ALTER TABLE charging_transaction ADD COLUMN closed_by TEXT;
UPDATE charging_transaction SET start_said = start_key;
CREATE INDEX transaction_by_start ON charging_transaction (start_said);
CREATE INDEX transaction_by_station_number ON charging_transaction (charge_point, station_transaction_id)
    WHERE station_transaction_id IS NOT NULL;
CREATE TABLE transaction_change (
    id INTEGER PRIMARY KEY,
    transaction_id INTEGER NOT NULL,
    changed_at TEXT NOT NULL, what TEXT NOT NULL, changed_by TEXT NOT NULL, before TEXT NOT NULL
) STRICT;
CREATE INDEX change_of_transaction ON transaction_change (transaction_id, id);
CREATE TABLE authorization_decision (
    id INTEGER PRIMARY KEY,
    decided_at TEXT NOT NULL, charge_point TEXT NOT NULL, action TEXT NOT NULL,
    id_tag TEXT NOT NULL COLLATE NOCASE, status TEXT NOT NULL, reason TEXT NOT NULL, transaction_id INTEGER
) STRICT;
CREATE TABLE charge_point_clock (
    charge_point TEXT PRIMARY KEY, offsets_s TEXT NOT NULL, skew_s REAL, learned_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE edge_clock (
    one INTEGER PRIMARY KEY CHECK (one = 1), seen_at TEXT NOT NULL, suspect_since TEXT
) STRICT
"""
