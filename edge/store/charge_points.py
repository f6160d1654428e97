"""The charge points that the site knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from edge.domain.registration import Registration
from edge.domain.timestamps import iso


@dataclass(frozen=True, slots=True)
class ChargePoint:
    """One row."""

    charge_point: str
    registration: Registration
    vendor: str | None
    model: str | None
    serial_number: str | None
    firmware_version: str | None
    booted_at: str | None
    last_seen_at: str | None
    security_profile: int = 0
    """The highest one that it has come in on, or that an operator set: a lower one is refused."""


def find(connection: sqlite3.Connection, charge_point: str) -> ChargePoint | None:
    """Look one up; identities are case-sensitive."""
    row = connection.execute("SELECT * FROM charge_point WHERE charge_point = ?", (charge_point,)).fetchone()
    return None if row is None else _charge_point(row)


def page(connection: sqlite3.Connection, *, after: str = "", limit: int = 100) -> list[ChargePoint]:
    """List those whose identity sorts behind `after`."""
    rows = connection.execute(
        "SELECT * FROM charge_point WHERE charge_point > ? ORDER BY charge_point LIMIT ?", (after, limit)
    )
    return [_charge_point(row) for row in rows]


def put(connection: sqlite3.Connection, charge_point: str, registration: Registration, now: datetime) -> None:
    """Make a charge point known, or change what it is told at its next boot."""
    connection.execute(
        """INSERT INTO charge_point (charge_point, registration_status, created_at) VALUES (?, ?, ?)
           ON CONFLICT (charge_point) DO UPDATE SET registration_status = excluded.registration_status""",
        (charge_point, registration, iso(now)),
    )


def raise_profile(connection: sqlite3.Connection, charge_point: str, profile: int) -> bool:
    """Refuse security profiles below `profile` from now on, unless higher ones are asked for already.

    Returns:
        Whether it was raised to one that proves something to both sides (2 or 3).
    """
    raised = connection.execute(
        "UPDATE charge_point SET security_profile = ?2 WHERE charge_point = ?1 AND security_profile < ?2",
        (charge_point, int(profile)),
    ).rowcount
    return raised > 0 and profile > 1


def set_profile(connection: sqlite3.Connection, charge_point: str, profile: int) -> None:
    """Set the lowest security profile that a charge point may come in on, up or down: an operator's decision."""
    connection.execute(
        "UPDATE charge_point SET security_profile = ? WHERE charge_point = ?", (int(profile), charge_point)
    )


def count_without_key(connection: sqlite3.Connection) -> int:
    """Count the charge points that named themselves and have no key yet."""
    row = connection.execute(
        "SELECT count(*) FROM charge_point AS it WHERE NOT EXISTS "
        "(SELECT 1 FROM charge_point_key AS key WHERE key.charge_point = it.charge_point)"
    ).fetchone()
    return int(row[0])


def record_boot(connection: sqlite3.Connection, charge_point: str, boot: Mapping[str, Any], now: datetime) -> None:
    """Keep what a BootNotification said, so that a reconnect without one is understood."""
    connection.execute(
        """UPDATE charge_point SET vendor = ?, model = ?, serial_number = ?, firmware_version = ?, boot_payload = ?,
                                   booted_at = ?, last_seen_at = ?, boots = boots + 1
           WHERE charge_point = ?""",
        (
            boot.get("chargePointVendor"),
            boot.get("chargePointModel"),
            boot.get("chargePointSerialNumber") or boot.get("chargeBoxSerialNumber"),
            boot.get("firmwareVersion"),
            orjson.dumps(dict(boot)).decode(),
            iso(now),
            iso(now),
            charge_point,
        ),
    )


def boots(connection: sqlite3.Connection, charge_point: str) -> int:
    """Count the BootNotifications of a charge point."""
    row = connection.execute("SELECT boots FROM charge_point WHERE charge_point = ?", (charge_point,)).fetchone()
    return 0 if row is None else int(row["boots"])


def record_seen(connection: sqlite3.Connection, charge_point: str, now: datetime) -> None:
    """Remember that it was heard."""
    connection.execute("UPDATE charge_point SET last_seen_at = ? WHERE charge_point = ?", (iso(now), charge_point))


def _charge_point(row: sqlite3.Row) -> ChargePoint:
    return ChargePoint(
        charge_point=row["charge_point"],
        registration=Registration(row["registration_status"]),
        vendor=row["vendor"],
        model=row["model"],
        serial_number=row["serial_number"],
        firmware_version=row["firmware_version"],
        booted_at=row["booted_at"],
        last_seen_at=row["last_seen_at"],
        security_profile=row["security_profile"],
    )
