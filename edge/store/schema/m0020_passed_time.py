"""How far time has certainly come, for what is removed by its age."""

from __future__ import annotations

SCRIPT = """
CREATE TABLE passed_time (one INTEGER PRIMARY KEY CHECK (one = 1), at TEXT NOT NULL) STRICT;
INSERT INTO passed_time (one, at) SELECT 1, seen_at FROM edge_clock
"""
