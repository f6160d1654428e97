"""How often charge points changed their status in a way that the specification does not know, per firmware."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from edge.domain.timestamps import iso


@dataclass(frozen=True, slots=True)
class OddStatusChange:
    """One row."""

    vendor: str
    model: str
    firmware_version: str
    before: str
    after: str
    count: int
    last_at: str


def count_odd(connection: sqlite3.Connection, charge_point: str, before: str, after: str, now: datetime) -> None:
    """Count one; what a charge point has not said of itself is empty."""
    connection.execute(
        """INSERT INTO odd_status_change (vendor, model, firmware_version, before, after, count, last_at)
           SELECT coalesce(vendor, ''), coalesce(model, ''), coalesce(firmware_version, ''), ?2, ?3, 1, ?4
           FROM charge_point WHERE charge_point = ?1
           ON CONFLICT DO UPDATE SET count = count + 1, last_at = excluded.last_at""",
        (charge_point, before, after, iso(now)),
    )


def odd(connection: sqlite3.Connection, *, limit: int = 1000) -> list[OddStatusChange]:
    """List them, the most frequent first."""
    rows = connection.execute(
        """SELECT vendor, model, firmware_version, before, after, count, last_at FROM odd_status_change
           ORDER BY count DESC, vendor, model, firmware_version, before, after LIMIT ?""",
        (limit,),
    )
    return [OddStatusChange(**dict(row)) for row in rows]
