"""Alarms."""

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
"""
