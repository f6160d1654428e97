"""What the edge does at charge points by itself: its tasks, and what it knows and wants of each."""

from __future__ import annotations

SCRIPT = """
CREATE TABLE upkeep_task (
    charge_point TEXT NOT NULL, kind TEXT NOT NULL,
    due_at TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, generation INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (charge_point, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE reported_configuration (
    charge_point TEXT NOT NULL REFERENCES charge_point ON DELETE CASCADE,
    key TEXT NOT NULL COLLATE NOCASE, value TEXT, readonly INTEGER NOT NULL,
    awaits_reboot INTEGER NOT NULL DEFAULT 0, reported_at TEXT NOT NULL,
    PRIMARY KEY (charge_point, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE desired_configuration (
    scope TEXT NOT NULL, name TEXT NOT NULL,
    key TEXT NOT NULL COLLATE NOCASE, value TEXT,
    PRIMARY KEY (scope, name, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE configuration_refusal (
    vendor TEXT NOT NULL, model TEXT NOT NULL, firmware TEXT NOT NULL,
    key TEXT NOT NULL COLLATE NOCASE, value TEXT NOT NULL,
    answer TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (vendor, model, firmware, key, value)
) STRICT, WITHOUT ROWID;
CREATE TABLE measurand_list (
    vendor TEXT NOT NULL, model TEXT NOT NULL, firmware TEXT NOT NULL,
    key TEXT NOT NULL COLLATE NOCASE, wanted TEXT NOT NULL, accepted TEXT NOT NULL,
    PRIMARY KEY (vendor, model, firmware, key, wanted)
) STRICT, WITHOUT ROWID;
CREATE TABLE provisioning (
    charge_point TEXT PRIMARY KEY REFERENCES charge_point ON DELETE CASCADE,
    provisioned_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE desired_availability (
    charge_point TEXT NOT NULL REFERENCES charge_point ON DELETE CASCADE,
    connector_id INTEGER NOT NULL, type TEXT NOT NULL, asked_at TEXT NOT NULL,
    PRIMARY KEY (charge_point, connector_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE local_list (
    charge_point TEXT PRIMARY KEY REFERENCES charge_point ON DELETE CASCADE,
    version INTEGER NOT NULL, entries TEXT NOT NULL,
    state TEXT NOT NULL, changed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE firmware (
    firmware TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL,
    sha256 TEXT NOT NULL, size INTEGER NOT NULL, uploaded_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE rollout (
    rollout TEXT PRIMARY KEY, firmware TEXT NOT NULL REFERENCES firmware,
    state TEXT NOT NULL, detail TEXT, created_at TEXT NOT NULL, changed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE rollout_step (
    rollout TEXT NOT NULL REFERENCES rollout ON DELETE CASCADE, position INTEGER NOT NULL,
    charge_point TEXT NOT NULL, state TEXT NOT NULL, asked_at TEXT, status TEXT, detail TEXT,
    PRIMARY KEY (rollout, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE file_ticket (
    hash BLOB PRIMARY KEY, purpose TEXT NOT NULL, file TEXT NOT NULL, charge_point TEXT NOT NULL,
    expires_at TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE diagnostics (
    diagnostics TEXT PRIMARY KEY, charge_point TEXT NOT NULL, state TEXT NOT NULL,
    file_name TEXT, size INTEGER, asked_at TEXT NOT NULL, changed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
