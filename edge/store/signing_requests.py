"""Certificates that charge points asked for, until they have them: at most one each, one an hour."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from edge.domain.timestamps import iso

WAITING = "waiting"
DELIVERED = "delivered"
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """One row."""

    charge_point: str
    requested_at: str
    csr: str
    chain: str | None
    """The signed certificate in PEM; `None`: not signed yet."""
    state: str


def find(connection: sqlite3.Connection, charge_point: str) -> SigningRequest | None:
    """Give the latest of a charge point."""
    row = connection.execute("SELECT * FROM signing_request WHERE charge_point = ?", (charge_point,)).fetchone()
    return None if row is None else SigningRequest(**dict(row))


def put(connection: sqlite3.Connection, charge_point: str, csr: str, now: datetime) -> None:
    """Keep a request that was accepted; it takes the place of an older one."""
    connection.execute(
        """INSERT INTO signing_request (charge_point, requested_at, csr, state) VALUES (?1, ?2, ?3, ?4)
           ON CONFLICT DO UPDATE SET requested_at = ?2, csr = ?3, chain = NULL, state = ?4""",
        (charge_point, iso(now), csr, WAITING),
    )


def waiting(connection: sqlite3.Connection, until: datetime) -> list[SigningRequest]:
    """List those that were asked for until then and are not delivered, oldest first."""
    rows = connection.execute(
        "SELECT * FROM signing_request WHERE state = ? AND requested_at <= ? ORDER BY requested_at",
        (WAITING, iso(until)),
    )
    return [SigningRequest(**dict(row)) for row in rows]


def record_chain(connection: sqlite3.Connection, charge_point: str, chain: str) -> None:
    """Keep the signed certificate, so that a second delivery brings the same one."""
    connection.execute("UPDATE signing_request SET chain = ? WHERE charge_point = ?", (chain, charge_point))


def settle(connection: sqlite3.Connection, charge_point: str, state: str) -> None:
    """End the waiting."""
    connection.execute("UPDATE signing_request SET state = ? WHERE charge_point = ?", (state, charge_point))
