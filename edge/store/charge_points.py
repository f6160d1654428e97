"""The charge points that the site knows, and the hashes of their keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
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


@dataclass(frozen=True, slots=True)
class KeyHash:
    """One accepted form of a charge point's key."""

    salt: bytes
    hash: bytes


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


def replace_keys(connection: sqlite3.Connection, charge_point: str, hashes: Iterable[KeyHash]) -> None:
    """Let only these forms of a key in from now on."""
    connection.execute("DELETE FROM charge_point_key WHERE charge_point = ?", (charge_point,))
    connection.executemany(
        "INSERT INTO charge_point_key (charge_point, salt, hash) VALUES (?, ?, ?)",
        [(charge_point, key.salt, key.hash) for key in hashes],
    )


def key_hashes(connection: sqlite3.Connection, charge_point: str) -> list[KeyHash]:
    """List the accepted forms of its key; empty: it has none, and cannot authenticate."""
    rows = connection.execute("SELECT salt, hash FROM charge_point_key WHERE charge_point = ?", (charge_point,))
    return [KeyHash(bytes(row["salt"]), bytes(row["hash"])) for row in rows]


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
    )
