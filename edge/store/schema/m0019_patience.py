"""Since when it has been a charge point's turn in a roll-out."""

from __future__ import annotations

SCRIPT = """
ALTER TABLE rollout_step ADD COLUMN turn_at TEXT
"""
