"""What could not be understood: kept as it came, with the reason, and answered all the same."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from edge.clock import iso

MAX_RAW = 1_000_000
"""Characters of a frame that are kept."""


def insert(connection: sqlite3.Connection, charge_point: str, raw: str, reason: str, now: datetime) -> None:
    """Keep a frame."""
    connection.execute(
        "INSERT INTO quarantine (charge_point, received_at, reason, raw) VALUES (?, ?, ?, ?)",
        (charge_point, iso(now), reason, raw[:MAX_RAW]),
    )
