"""The site's directory of id tags. Ids compare without regard to case (OCPP 1.6 ed. 2 §7.28 "IdToken")."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from edge.domain.authorisation import DirectoryEntry
from edge.domain.timestamps import iso


@dataclass(frozen=True, slots=True)
class IdTag:
    """One row."""

    entry: DirectoryEntry
    note: str | None


def find(connection: sqlite3.Connection, id_tag: str) -> DirectoryEntry | None:
    """Look one up; `None`: not in the directory."""
    row = connection.execute("SELECT * FROM id_tag WHERE id_tag = ?", (id_tag,)).fetchone()
    return None if row is None else _id_tag(row).entry


def read(connection: sqlite3.Connection, id_tag: str) -> IdTag | None:
    """Look one up with its note."""
    row = connection.execute("SELECT * FROM id_tag WHERE id_tag = ?", (id_tag,)).fetchone()
    return None if row is None else _id_tag(row)


def page(connection: sqlite3.Connection, *, after: str = "", limit: int = 100) -> list[IdTag]:
    """List those that sort behind `after`."""
    rows = connection.execute("SELECT * FROM id_tag WHERE id_tag > ? ORDER BY id_tag LIMIT ?", (after, limit))
    return [_id_tag(row) for row in rows]


def base_version(connection: sqlite3.Connection, id_tag: str) -> int:
    """Tell which version of an id tag a change made now would follow; 0: it was never known here."""
    row = connection.execute(
        """SELECT max(version) AS version FROM (
               SELECT version FROM id_tag WHERE id_tag = ?1
               UNION ALL SELECT version FROM id_tag_removal WHERE id_tag = ?1)""",
        (id_tag,),
    ).fetchone()
    return int(row["version"] or 0)


def put(connection: sqlite3.Connection, tag: IdTag, now: datetime) -> bool:
    """Add or replace an id tag at the site itself.

    Returns:
        Whether it was new.
    """
    new = find(connection, tag.entry.id_tag) is None
    version = base_version(connection, tag.entry.id_tag) + 1
    connection.execute("DELETE FROM id_tag_removal WHERE id_tag = ?", (tag.entry.id_tag,))
    expires_at = tag.entry.expires_at
    connection.execute(
        """INSERT INTO id_tag
               (id_tag, status, expires_at, parent_id_tag, note, updated_at, status_since, version, local)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, 1)
           ON CONFLICT (id_tag) DO UPDATE SET
               status_since = iif(status = excluded.status, status_since, excluded.status_since),
               status = excluded.status, expires_at = excluded.expires_at,
               parent_id_tag = excluded.parent_id_tag, note = excluded.note, updated_at = excluded.updated_at,
               version = excluded.version, local = 1""",
        (
            tag.entry.id_tag,
            tag.entry.status,
            None if expires_at is None else iso(expires_at),
            tag.entry.parent_id_tag,
            tag.note,
            iso(now),
            version,
        ),
    )
    return new


def delete(connection: sqlite3.Connection, id_tag: str) -> bool:
    """Remove an id tag at the site itself; what comes down and is older does not bring it back.

    Returns:
        Whether it was there.
    """
    connection.execute(
        "INSERT OR REPLACE INTO id_tag_removal (id_tag, version) VALUES (?, ?)",
        (id_tag, base_version(connection, id_tag) + 1),
    )
    return connection.execute("DELETE FROM id_tag WHERE id_tag = ?", (id_tag,)).rowcount == 1


def _id_tag(row: sqlite3.Row) -> IdTag:
    expires_at = row["expires_at"]
    entry = DirectoryEntry(
        id_tag=row["id_tag"],
        status=row["status"],
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        parent_id_tag=row["parent_id_tag"],
        since=None if row["status_since"] is None else datetime.fromisoformat(row["status_since"]),
    )
    return IdTag(entry, row["note"])
