"""Charging profiles that are sent once the transaction of a remote start runs."""

from __future__ import annotations

SCRIPT = """
ALTER TABLE remote_start ADD COLUMN charging_profile TEXT;
CREATE INDEX remote_start_with_profile ON remote_start (number) WHERE charging_profile IS NOT NULL;
"""
