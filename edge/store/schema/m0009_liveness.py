"""Alarms, and how far the state of a connector is to be believed."""

from __future__ import annotations

SCRIPT = """
CREATE TABLE alarm (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    alarm TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    charge_point TEXT NOT NULL,
    detail TEXT NOT NULL,
    raised_at TEXT NOT NULL, cleared_at TEXT
) STRICT;
CREATE UNIQUE INDEX standing_alarm ON alarm (kind, charge_point) WHERE cleared_at IS NULL;
ALTER TABLE connector ADD COLUMN stale_since TEXT;
ALTER TABLE charge_point ADD COLUMN best_charging_class INTEGER;
CREATE TABLE odd_status_change (
    vendor TEXT NOT NULL, model TEXT NOT NULL, firmware_version TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL,
    count INTEGER NOT NULL, last_at TEXT NOT NULL,
    PRIMARY KEY (vendor, model, firmware_version, before, after)
) STRICT, WITHOUT ROWID;
"""
