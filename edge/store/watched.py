"""What the watch looks at: who has been away for how long, and who could be steered better before."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import datetime

from edge.domain.registration import Registration
from edge.domain.timestamps import iso


def absent(connection: sqlite3.Connection, before: datetime, connected: Collection[str]) -> dict[str, str]:
    """Give the accepted charge points that were last heard before an instant, and when that was."""
    rows = connection.execute(
        """SELECT charge_point, coalesce(last_seen_at, created_at) AS seen_at FROM charge_point
           WHERE registration_status = ? AND coalesce(last_seen_at, created_at) < ?""",
        (Registration.ACCEPTED, iso(before)),
    )
    return {row["charge_point"]: row["seen_at"] for row in rows if row["charge_point"] not in connected}


def feature_profiles(connection: sqlite3.Connection) -> list[tuple[str, str | None, int | None]]:
    """List charge points that told their SupportedFeatureProfiles, with the best charging class they ever had."""
    rows = connection.execute(
        """SELECT charge_point, value, best_charging_class FROM charge_point JOIN reported_configuration
           USING (charge_point) WHERE key = 'SupportedFeatureProfiles'"""
    )
    return [(row["charge_point"], row["value"], row["best_charging_class"]) for row in rows]


def note_charging_class(connection: sqlite3.Connection, charge_point: str, best: int) -> None:
    """Keep the best charging class of a charge point."""
    connection.execute("UPDATE charge_point SET best_charging_class = ? WHERE charge_point = ?", (best, charge_point))
