"""Transactions, meter values, and what could not be understood."""

from __future__ import annotations

SCRIPT = """
CREATE TABLE charging_transaction (
    transaction_id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    charge_point TEXT NOT NULL,
    connector_id INTEGER,
    start_key TEXT UNIQUE,
    station_transaction_id INTEGER,
    id_tag TEXT COLLATE NOCASE, id_tag_status TEXT, parent_id_tag TEXT COLLATE NOCASE,
    meter_start_wh INTEGER, started_at TEXT, start_received_at TEXT, reservation_id INTEGER,
    meter_stop_wh INTEGER, stopped_at TEXT, stop_received_at TEXT, stop_id_tag TEXT COLLATE NOCASE,
    reason TEXT, energy_wh INTEGER, estimated INTEGER NOT NULL DEFAULT 0,
    flags TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX open_transaction ON charging_transaction (charge_point, connector_id) WHERE stopped_at IS NULL;
CREATE INDEX open_transaction_of_id_tag ON charging_transaction (id_tag) WHERE stopped_at IS NULL;
CREATE INDEX transaction_of_charge_point ON charging_transaction (charge_point, transaction_id);
CREATE TABLE meter_value (
    sampled_at TEXT NOT NULL, charge_point TEXT NOT NULL, connector_id INTEGER NOT NULL, digest BLOB NOT NULL,
    transaction_id INTEGER, samples TEXT NOT NULL,
    PRIMARY KEY (sampled_at, charge_point, connector_id, digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    charge_point TEXT NOT NULL, received_at TEXT NOT NULL, reason TEXT NOT NULL, raw TEXT NOT NULL
) STRICT;
"""
