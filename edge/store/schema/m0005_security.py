"""Security profiles, keys that follow one another, certificates, and what charge points report about security."""

from __future__ import annotations

SCRIPT = """
ALTER TABLE charge_point ADD COLUMN security_profile INTEGER NOT NULL DEFAULT 0;
ALTER TABLE charge_point ADD COLUMN certificate_name TEXT;
CREATE UNIQUE INDEX charge_point_of_certificate_name ON charge_point (certificate_name);
ALTER TABLE charge_point_key ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE charge_point_key ADD COLUMN typed INTEGER NOT NULL DEFAULT 0;
CREATE TABLE root_certificate (
    number INTEGER PRIMARY KEY,
    pem TEXT NOT NULL, hash_data TEXT NOT NULL, in_use INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL
) STRICT;
CREATE TABLE installed_root (
    charge_point TEXT NOT NULL REFERENCES charge_point ON DELETE CASCADE,
    number INTEGER NOT NULL REFERENCES root_certificate,
    proven_at TEXT NOT NULL,
    PRIMARY KEY (charge_point, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE client_certificate (
    fingerprint TEXT PRIMARY KEY,
    charge_point TEXT NOT NULL REFERENCES charge_point ON DELETE CASCADE,
    serial_number TEXT NOT NULL, common_name TEXT NOT NULL, not_after TEXT NOT NULL,
    issued_at TEXT NOT NULL, revoked_at TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX client_certificate_of_charge_point ON client_certificate (charge_point);
CREATE TABLE signing_request (
    charge_point TEXT PRIMARY KEY REFERENCES charge_point ON DELETE CASCADE,
    requested_at TEXT NOT NULL, csr TEXT NOT NULL, chain TEXT, state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE security_tally (
    charge_point TEXT NOT NULL, kind TEXT NOT NULL,
    since TEXT NOT NULL, waiting INTEGER NOT NULL, detail TEXT NOT NULL, last_at TEXT NOT NULL,
    PRIMARY KEY (charge_point, kind)
) STRICT, WITHOUT ROWID;
"""
