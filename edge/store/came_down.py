"""What id tags that came down mean for those of the site: the last writer by version wins (docs/adr/0013).

A row of `id_tag` that is `local` was written here. Its version is the one that the cloud will give it should it take
the change; so an entry counts from the moment that it is as new as that, and until then the change made here does.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from contract.directory import DirectorySet
from edge.domain.timestamps import iso

_SET = DirectorySet.ID_TAGS.value

_WRITE = """
    ON CONFLICT (id_tag) DO UPDATE SET
        status = excluded.status, expires_at = excluded.expires_at, parent_id_tag = excluded.parent_id_tag,
        status_since = excluded.status_since, version = excluded.version, local = 0, updated_at = excluded.updated_at
"""
"""The note is the site's own, and stays."""


def put(connection: sqlite3.Connection, key: str, content: dict[str, Any], now: datetime) -> bool:
    """Let an entry count, unless a newer change was made here.

    Returns:
        Whether the id tag may charge less than before.
    """
    version = int(content["version"])
    if _removed_later(connection, key, version):
        return False
    row = _row(connection, key)
    if row is not None and row["local"] and row["version"] > version:
        return False
    connection.execute(
        f"""INSERT INTO id_tag (id_tag, status, expires_at, parent_id_tag, status_since, updated_at, version, local)
            VALUES (?, ?, ?, ?, ?, ?, ?, 0) {_WRITE}""",  # noqa: S608 - own text
        (
            content["id_tag"],
            content["status"],
            content.get("expires_at"),
            content.get("parent_id_tag"),
            content.get("status_since"),
            iso(now),
            version,
        ),
    )
    return row is not None and _charges_less(row, content)


def remove(connection: sqlite3.Connection, key: str, version: int) -> bool:
    """Let an id tag go that the cloud removed here, unless a newer change was made here.

    Returns:
        Whether one goes that was accepted.
    """
    _removed_later(connection, key, version)
    row = _row(connection, key)
    if row is None or (row["local"] and row["version"] > version):
        return False
    connection.execute("DELETE FROM id_tag WHERE id_tag = ?", (key,))
    return bool(row["status"] == "Accepted")


def replace_all(connection: sqlite3.Connection, now: datetime) -> bool:
    """Let what is on the stage count in place of all that came down before. A few statements, whatever its size.

    Returns:
        Whether an id tag may charge less than before.
    """
    before = _accepted(connection)
    connection.execute(
        """DELETE FROM id_tag_removal WHERE EXISTS (
               SELECT 1 FROM directory_staged AS new
               WHERE new.set_name = ? AND new.key = lower(id_tag_removal.id_tag)
                   AND new.version >= id_tag_removal.version)""",
        (_SET,),
    )
    connection.execute(
        """DELETE FROM id_tag WHERE
               (NOT local AND NOT EXISTS (
                   SELECT 1 FROM directory_staged AS new
                   WHERE new.set_name = ?1 AND new.key = lower(id_tag.id_tag) AND new.content IS NOT NULL))
               OR EXISTS (
                   SELECT 1 FROM directory_staged AS new
                   WHERE new.set_name = ?1 AND new.key = lower(id_tag.id_tag) AND new.content IS NULL
                       AND (NOT id_tag.local OR new.version >= id_tag.version))""",
        (_SET,),
    )
    connection.execute(
        f"""INSERT INTO id_tag (id_tag, status, expires_at, parent_id_tag, status_since, updated_at, version, local)
            SELECT json_extract(content, '$.id_tag'), json_extract(content, '$.status'),
                   json_extract(content, '$.expires_at'), json_extract(content, '$.parent_id_tag'),
                   json_extract(content, '$.status_since'), ?2, version, 0
            FROM directory_staged AS new
            WHERE set_name = ?1 AND content IS NOT NULL AND readable
                AND NOT EXISTS (
                    SELECT 1 FROM id_tag WHERE id_tag.id_tag = new.key AND local AND id_tag.version > new.version)
                AND NOT EXISTS (
                    SELECT 1 FROM id_tag_removal AS gone WHERE gone.id_tag = new.key AND gone.version > new.version)
            {_WRITE}""",  # noqa: S608 - own text
        (_SET, iso(now)),
    )
    after = _accepted(connection)
    return any(after.get(id_tag) != known for id_tag, known in before.items())


def _row(connection: sqlite3.Connection, key: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT status, expires_at, parent_id_tag, version, local FROM id_tag WHERE id_tag = ?", (key,)
    ).fetchone()
    return row


def _charges_less(row: sqlite3.Row, content: dict[str, Any]) -> bool:
    return bool(row["status"] == "Accepted") and (
        content["status"] != "Accepted" or row["expires_at"] != content.get("expires_at")
    )


def _removed_later(connection: sqlite3.Connection, key: str, version: int) -> bool:
    """Whether it was removed here by a newer change than `version`; an older removal is forgotten."""
    connection.execute("DELETE FROM id_tag_removal WHERE id_tag = ? AND version <= ?", (key, version))
    return connection.execute("SELECT 1 FROM id_tag_removal WHERE id_tag = ?", (key,)).fetchone() is not None


def _accepted(connection: sqlite3.Connection) -> dict[str, tuple[str, str | None]]:
    rows = connection.execute("SELECT id_tag, status, expires_at FROM id_tag WHERE status = 'Accepted'")
    return {row["id_tag"].lower(): (row["status"], row["expires_at"]) for row in rows}
