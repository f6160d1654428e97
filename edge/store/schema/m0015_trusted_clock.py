"""When a person vouched for the edge's own clock."""

from __future__ import annotations

SCRIPT = """
ALTER TABLE edge_clock ADD COLUMN trusted_at TEXT
"""
