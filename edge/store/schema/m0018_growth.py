"""When a negotiation of measurands that an error cut short is tried again."""

from __future__ import annotations

SCRIPT = """
ALTER TABLE measurand_list ADD COLUMN retry_at TEXT
"""
