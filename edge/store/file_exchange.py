"""Files that charge points fetch and bring: a ticket is a path that nobody can guess, made for one purpose."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from edge.domain.timestamps import iso

TOKEN_BYTES = 32


class Purpose(StrEnum):
    """What a ticket is for."""

    FIRMWARE = "firmware"
    DIAGNOSTICS = "diagnostics"


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files lie, and under which address charge points reach them."""

    folder: Path
    url: str | None
    """`None`: the site offers no files."""
    firmware_quota: int = 4 * 1024**3
    """Bytes of all firmware files together."""
    diagnostics_quota: int = 2 * 1024**3
    """Bytes of all diagnostics together; beyond it the oldest go."""
    keep_diagnostics: timedelta = timedelta(days=90)

    def path(self, purpose: Purpose, name: str) -> Path:
        """Give the place of a file; `name` is one that the edge made itself."""
        return self.folder / purpose.value / name


@dataclass(frozen=True, slots=True)
class Ticket:
    """One row."""

    purpose: Purpose
    file: str
    charge_point: str


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """One request for diagnostics, and what became of it."""

    diagnostics: str
    charge_point: str
    state: str
    """asked, nothing, uploaded or failed."""
    file_name: str | None
    size: int | None
    asked_at: str


def issue(connection: sqlite3.Connection, token: str, ticket: Ticket, now: datetime, valid: timedelta) -> None:
    """Make a ticket; only its hash is kept. Those of the same charge point and purpose end."""
    revoke(connection, ticket.charge_point, ticket.purpose)
    connection.execute("DELETE FROM file_ticket WHERE expires_at < ?", (iso(now),))
    connection.execute(
        "INSERT INTO file_ticket (hash, purpose, file, charge_point, expires_at) VALUES (?, ?, ?, ?, ?)",
        (_hash(token), ticket.purpose, ticket.file, ticket.charge_point, iso(now + valid)),
    )


def check(connection: sqlite3.Connection, token: str, purpose: Purpose, now: datetime) -> Ticket | None:
    """Look a ticket up by the hash of its token, which tells nothing through the time that it takes."""
    row = connection.execute(
        "SELECT file, charge_point FROM file_ticket WHERE hash = ? AND purpose = ? AND expires_at > ?",
        (_hash(token), purpose, iso(now)),
    ).fetchone()
    return None if row is None else Ticket(purpose, row["file"], row["charge_point"])


def use(connection: sqlite3.Connection, token: str) -> bool:
    """End a ticket by its use; returns whether it was still there."""
    return connection.execute("DELETE FROM file_ticket WHERE hash = ?", (_hash(token),)).rowcount == 1


def revoke(connection: sqlite3.Connection, charge_point: str, purpose: Purpose) -> None:
    """End the tickets of a charge point."""
    connection.execute("DELETE FROM file_ticket WHERE charge_point = ? AND purpose = ?", (charge_point, purpose))


def ask(connection: sqlite3.Connection, diagnostics: str, charge_point: str, now: datetime) -> None:
    """Remember that a charge point is asked for diagnostics."""
    connection.execute(
        "INSERT INTO diagnostics (diagnostics, charge_point, state, asked_at, changed_at) VALUES (?, ?, 'asked', ?, ?)",
        (diagnostics, charge_point, iso(now), iso(now)),
    )


def answer(connection: sqlite3.Connection, diagnostics: str, state: str, file_name: str | None, now: datetime) -> None:
    """Keep the charge point's answer; an upload may have been quicker."""
    connection.execute(
        """UPDATE diagnostics SET state = CASE state WHEN 'uploaded' THEN state ELSE ? END, file_name = ?,
               changed_at = ? WHERE diagnostics = ?""",
        (state, file_name, iso(now), diagnostics),
    )


def receive(connection: sqlite3.Connection, diagnostics: str, size: int, now: datetime) -> None:
    """Remember that the file has come."""
    connection.execute(
        "UPDATE diagnostics SET state = 'uploaded', size = ?, changed_at = ? WHERE diagnostics = ?",
        (size, iso(now), diagnostics),
    )


def diagnostics_of(connection: sqlite3.Connection, charge_point: str) -> list[Diagnostics]:
    """List what was asked of a charge point, newest first."""
    return _diagnostics(connection, "charge_point = ?", charge_point)


def find_diagnostics(connection: sqlite3.Connection, name: str) -> Diagnostics | None:
    """Look one up."""
    found = _diagnostics(connection, "diagnostics = ?", name)
    return found[0] if found else None


def asked_before(connection: sqlite3.Connection, at: datetime) -> list[str]:
    """List the diagnostics that were asked for before an instant."""
    rows = connection.execute("SELECT diagnostics FROM diagnostics WHERE asked_at < ?", (iso(at),))
    return [row["diagnostics"] for row in rows]


def uploaded(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """List the diagnostics that came and their sizes in bytes, oldest first."""
    rows = connection.execute(
        "SELECT diagnostics, size FROM diagnostics WHERE state = 'uploaded' ORDER BY asked_at, diagnostics"
    )
    return [(row["diagnostics"], row["size"] or 0) for row in rows]


def delete_diagnostics(connection: sqlite3.Connection, name: str) -> bool:
    """Forget one, and the ticket that would bring it; returns whether it was known."""
    connection.execute("DELETE FROM file_ticket WHERE purpose = ? AND file = ?", (Purpose.DIAGNOSTICS, name))
    return connection.execute("DELETE FROM diagnostics WHERE diagnostics = ?", (name,)).rowcount == 1


def _diagnostics(connection: sqlite3.Connection, where: str, value: str) -> list[Diagnostics]:
    rows = connection.execute(
        f"""SELECT diagnostics, charge_point, state, file_name, size, asked_at FROM diagnostics
            WHERE {where} ORDER BY asked_at DESC""",  # noqa: S608 - own text
        (value,),
    )
    return [Diagnostics(**dict(row)) for row in rows]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
