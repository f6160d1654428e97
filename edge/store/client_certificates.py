"""Which certificate belongs to which charge point: by fingerprint, else by the name that an operator registered."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass
from datetime import datetime

from edge.domain.timestamps import iso


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """What a charge point's TLS showed, as far as it tells whose it is."""

    fingerprint: str
    """SHA-256 of the DER form, in hexadecimal digits."""
    common_name: str | None
    """The subject's; `None`: it has none."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """One row."""

    fingerprint: str
    """SHA-256 of the DER form, in hexadecimal digits."""
    charge_point: str
    serial_number: str
    common_name: str
    not_after: str
    issued_at: str
    revoked_at: str | None = None


def owner(connection: sqlite3.Connection, certificate: PeerCertificate) -> str | None:
    """Find whose certificate this is. Its chain was verified already.

    A certificate that this edge issued, or that an operator registered, is known by its fingerprint. One of another
    trusted authority is known by its common name, which must be registered: a name in a certificate is the charge
    point's serial number, not its identity (A00.FR.509).

    Returns:
        The charge point; `None`: nobody's, or revoked.
    """
    row = connection.execute(
        "SELECT charge_point, revoked_at FROM client_certificate WHERE fingerprint = ?", (certificate.fingerprint,)
    ).fetchone()
    if row is not None:
        return None if row["revoked_at"] is not None else str(row["charge_point"])
    row = connection.execute(
        "SELECT charge_point FROM charge_point WHERE certificate_name = ?", (certificate.common_name,)
    ).fetchone()
    return None if row is None else str(row["charge_point"])


def insert(connection: sqlite3.Connection, certificate: ClientCertificate) -> None:
    """Register a certificate for a charge point; a second time changes nothing."""
    connection.execute(
        """INSERT OR IGNORE INTO client_certificate
               (fingerprint, charge_point, serial_number, common_name, not_after, issued_at)
           VALUES (:fingerprint, :charge_point, :serial_number, :common_name, :not_after, :issued_at)""",
        asdict(certificate),
    )


def revoke(connection: sqlite3.Connection, charge_point: str, fingerprint: str, now: datetime) -> bool:
    """Refuse a certificate from now on.

    Returns:
        Whether this charge point has such a certificate.
    """
    return (
        connection.execute(
            """UPDATE client_certificate SET revoked_at = coalesce(revoked_at, ?)
               WHERE charge_point = ? AND fingerprint = ?""",
            (iso(now), charge_point, fingerprint),
        ).rowcount
        > 0
    )


def of_charge_point(connection: sqlite3.Connection, charge_point: str) -> list[ClientCertificate]:
    """List those of a charge point, oldest first."""
    rows = connection.execute(
        "SELECT * FROM client_certificate WHERE charge_point = ? ORDER BY issued_at, fingerprint", (charge_point,)
    )
    return [ClientCertificate(**dict(row)) for row in rows]


def ending(connection: sqlite3.Connection, before: datetime) -> dict[str, str]:
    """List the charge points whose last certificate ends before an instant, and when it does."""
    rows = connection.execute(
        """SELECT charge_point, max(not_after) AS ends FROM client_certificate WHERE revoked_at IS NULL
           GROUP BY charge_point HAVING ends < ?""",
        (iso(before),),
    )
    return {row["charge_point"]: row["ends"] for row in rows}


def registered_name(connection: sqlite3.Connection, charge_point: str) -> str | None:
    """Give the common name that an operator registered for it."""
    row = connection.execute(
        "SELECT certificate_name FROM charge_point WHERE charge_point = ?", (charge_point,)
    ).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def set_name(connection: sqlite3.Connection, charge_point: str, common_name: str) -> None:
    """Register the common name of its certificates; no two charge points may have the same."""
    connection.execute(
        "UPDATE charge_point SET certificate_name = ? WHERE charge_point = ?", (common_name, charge_point)
    )


def names(connection: sqlite3.Connection, charge_point: str) -> set[str]:
    """List the common names that a certificate of this charge point may carry: the registered one, else its serial."""
    row = connection.execute(
        "SELECT certificate_name, serial_number FROM charge_point WHERE charge_point = ?", (charge_point,)
    ).fetchone()
    if row is None:
        return set()
    return {row["certificate_name"]} if row["certificate_name"] else {row["serial_number"]} - {None, ""}


def claimed_by_another(connection: sqlite3.Connection, charge_point: str, common_name: str) -> bool:
    """Whether the name is another charge point's, so that a certificate with it would be mistaken."""
    row = connection.execute(
        """SELECT 1 FROM charge_point WHERE charge_point <> ?1 AND (certificate_name = ?2 OR
               (certificate_name IS NULL AND serial_number = ?2)) LIMIT 1""",
        (charge_point, common_name),
    ).fetchone()
    return row is not None
