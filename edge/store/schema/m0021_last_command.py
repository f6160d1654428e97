"""Which command the highest stored number is of: a restored cloud gives the same numbers to other ones."""

from __future__ import annotations

SCRIPT = """
ALTER TABLE identity ADD COLUMN last_command TEXT
"""
