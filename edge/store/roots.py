"""The edge's root certificates: which one is in use, and which charge point has proven to trust which."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from edge.domain.timestamps import iso


@dataclass(frozen=True, slots=True)
class Root:
    """One row."""

    number: int
    pem: str
    hash_data: list[dict[str, str]]
    """How charge points name it, for each hash algorithm."""
    in_use: bool
    """Whether the server's certificates come from it."""
    created_at: str

    def is_named_by(self, named: Any) -> bool:  # noqa: ANN401 - what a charge point or an operator wrote
        """Whether a CertificateHashData means this root."""
        return any(_comparable(named) == _comparable(mine) for mine in self.hash_data)


def all_of(connection: sqlite3.Connection) -> list[Root]:
    """List them by number."""
    return [_root(row) for row in connection.execute("SELECT * FROM root_certificate ORDER BY number")]


def find(connection: sqlite3.Connection, number: int) -> Root | None:
    """Look one up."""
    row = connection.execute("SELECT * FROM root_certificate WHERE number = ?", (number,)).fetchone()
    return None if row is None else _root(row)


def in_use(connection: sqlite3.Connection) -> Root | None:
    """Give the one in use; `None`: none was ever made."""
    row = connection.execute("SELECT * FROM root_certificate WHERE in_use = 1").fetchone()
    return None if row is None else _root(row)


def insert(
    connection: sqlite3.Connection, number: int, pem: str, hash_data: list[dict[str, str]], now: datetime
) -> Root:
    """Register a root that is not in use yet."""
    connection.execute(
        "INSERT INTO root_certificate (number, pem, hash_data, created_at) VALUES (?, ?, ?, ?)",
        (number, pem, orjson.dumps(hash_data).decode(), iso(now)),
    )
    return Root(number, pem, hash_data, in_use=False, created_at=iso(now))


def use(connection: sqlite3.Connection, number: int) -> None:
    """Let the server's certificates come from this root from now on."""
    connection.execute("UPDATE root_certificate SET in_use = (number = ?)", (number,))


def prove(connection: sqlite3.Connection, charge_point: str, number: int, now: datetime) -> None:
    """Note that a charge point listed this root among those that it trusts."""
    connection.execute(
        """INSERT INTO installed_root (charge_point, number, proven_at) VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET proven_at = excluded.proven_at""",
        (charge_point, number, iso(now)),
    )


def disprove(connection: sqlite3.Connection, charge_point: str, number: int) -> None:
    """Note that a charge point does not trust this root, or no longer."""
    connection.execute("DELETE FROM installed_root WHERE charge_point = ? AND number = ?", (charge_point, number))


def is_proven(connection: sqlite3.Connection, charge_point: str, number: int) -> bool:
    """Whether a charge point has listed this root."""
    row = connection.execute(
        "SELECT 1 FROM installed_root WHERE charge_point = ? AND number = ?", (charge_point, number)
    ).fetchone()
    return row is not None


def without(connection: sqlite3.Connection, number: int) -> list[str]:
    """List the charge points that come in over TLS and have not proven to trust this root."""
    rows = connection.execute(
        """SELECT charge_point FROM charge_point WHERE security_profile >= 2 AND charge_point NOT IN
               (SELECT charge_point FROM installed_root WHERE number = ?) ORDER BY charge_point""",
        (number,),
    )
    return [str(row[0]) for row in rows]


def _comparable(named: Any) -> tuple[str, ...]:  # noqa: ANN401 - what a charge point or an operator wrote
    """Charge points differ in the case of the digits and in leading zeros."""
    fields = [str(named.get(field, "")).lower() for field in ("hashAlgorithm", "issuerNameHash", "issuerKeyHash")]
    return (*fields, str(named.get("serialNumber", "")).lower().lstrip("0"))


def _root(row: sqlite3.Row) -> Root:
    return Root(row["number"], row["pem"], orjson.loads(row["hash_data"]), bool(row["in_use"]), row["created_at"])
