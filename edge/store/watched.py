"""What the watch looks at: who has been away for how long, and who could be steered better before."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from edge.domain.registration import Registration
from edge.domain.timestamps import iso


@dataclass(frozen=True, slots=True)
class Absent:
    """An accepted charge point without a connection."""

    seen_at: str
    """When it was last heard, or made known."""
    vendor: str | None
    model: str | None
    firmware_version: str | None


def absent(connection: sqlite3.Connection, before: datetime, connected: Collection[str]) -> dict[str, Absent]:
    """Give the accepted charge points that were last heard before an instant, by identity."""
    rows = connection.execute(
        """SELECT charge_point, coalesce(last_seen_at, created_at) AS seen_at, vendor, model, firmware_version
           FROM charge_point WHERE registration_status = ? AND coalesce(last_seen_at, created_at) < ?""",
        (Registration.ACCEPTED, iso(before)),
    )
    return {
        row["charge_point"]: Absent(row["seen_at"], row["vendor"], row["model"], row["firmware_version"])
        for row in rows
        if row["charge_point"] not in connected
    }


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
