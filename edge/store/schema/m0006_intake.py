"""What could not be understood: alike frames are counted, not kept again and again."""

from __future__ import annotations

SCRIPT = """
ALTER TABLE quarantine ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quarantine ADD COLUMN repeated_at TEXT;
CREATE INDEX quarantine_of_charge_point ON quarantine (charge_point, received_at);
"""
