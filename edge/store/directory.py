"""The sets of the directory as they came down, entry by entry. What the id tags among them mean is in `id_tags`."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from contract.directory import (
    EMPTY,
    ENTRIES,
    POLICY_KEY,
    ChangedEntry,
    DirectoryAnswer,
    DirectoryPolicy,
    DirectorySet,
    canonical,
    digest,
    moved,
)
from edge.domain.directory import Held
from edge.domain.timestamps import iso
from edge.store import came_down


def held(connection: sqlite3.Connection, name: DirectorySet) -> Held | None:
    """Look a set up; `None`: it never came down."""
    row = connection.execute("SELECT * FROM directory_set WHERE name = ?", (name.value,)).fetchone()
    return None if row is None else _held(row)


def all_held(connection: sqlite3.Connection) -> dict[DirectorySet, Held]:
    """List the sets that have come down."""
    rows = connection.execute("SELECT * FROM directory_set").fetchall()
    return {DirectorySet(row["name"]): _held(row) for row in rows}


def counted_hash(connection: sqlite3.Connection, name: DirectorySet) -> str:
    """Add the content hash up anew from what lies on the disk. Takes milliseconds: for a reader's thread."""
    rows = connection.execute("SELECT key, content FROM directory_entry WHERE set_name = ?", (name.value,))
    return moved(EMPTY, added=sum(digest(row["key"], row["content"]) for row in rows))


def content(connection: sqlite3.Connection, name: DirectorySet, key: str) -> str | None:
    """Look one entry's content up, as JSON; `None`: there is no such entry."""
    row = connection.execute(
        "SELECT content FROM directory_entry WHERE set_name = ? AND key = ?", (name.value, key)
    ).fetchone()
    return None if row is None else str(row["content"])


def policy(connection: sqlite3.Connection) -> tuple[DirectoryPolicy, datetime | None]:
    """Read the site's policy, and when the id tags were last checked; `None`: none ever came down."""
    row = connection.execute(
        """SELECT (SELECT content FROM directory_entry WHERE set_name = ? AND key = ?) AS content,
                  (SELECT checked_at FROM directory_set WHERE name = ?) AS checked_at""",
        (DirectorySet.POLICY.value, POLICY_KEY, DirectorySet.ID_TAGS.value),
    ).fetchone()
    checked_at = None if row["checked_at"] is None else datetime.fromisoformat(row["checked_at"])
    try:
        found = DirectoryPolicy() if row["content"] is None else DirectoryPolicy.model_validate_json(row["content"])
    except ValidationError:  # of a newer release
        found = DirectoryPolicy()
    return found, checked_at


def apply_delta(connection: sqlite3.Connection, answer: DirectoryAnswer, version: int, now: datetime) -> bool:
    """Apply one slice of a delta. Doing it twice changes nothing the second time.

    Args:
        connection: the writer's.
        answer: the slice.
        version: what is held once it is applied: the version that was held before, or, with the last slice, the one
            that the first slice named.
        now: the time.

    Returns:
        Whether an id tag may charge less than before.
    """
    before = held(connection, answer.set)
    if before is None:
        raise ValueError(f"a delta of {answer.set}, of which nothing is held")
    content_hash, entries, refused = before.hash, before.entries, False
    for entry in answer.changed:
        text = canonical(entry.content)
        had = _put(connection, answer.set, entry.key, text)
        content_hash = moved(content_hash, added=digest(entry.key, text), taken=_digest(entry.key, had))
        entries += had is None
        if answer.set is DirectorySet.ID_TAGS and is_readable(answer.set, entry):
            refused |= came_down.put(connection, entry.key, entry.content, now)
    for gone in answer.removed:
        had = _remove(connection, answer.set, gone.key)
        content_hash = moved(content_hash, taken=_digest(gone.key, had))
        entries -= had is not None
        if answer.set is DirectorySet.ID_TAGS:
            refused |= came_down.remove(connection, gone.key, gone.version)
    changed = bool(answer.changed or answer.removed)
    applied_at = now if changed else before.applied_at
    _note(connection, answer.set, Held(answer.incarnation, version, content_hash, entries, applied_at, now))
    return refused


def begin_snapshot(connection: sqlite3.Connection, name: DirectorySet) -> None:
    """Clear the stage: what an earlier attempt left there is of no use."""
    connection.execute("DELETE FROM directory_staged WHERE set_name = ?", (name.value,))


def stage(connection: sqlite3.Connection, answer: DirectoryAnswer) -> None:
    """Put a slice of a snapshot on the stage. Nothing of it counts yet."""
    name = answer.set.value
    rows: list[tuple[str, str, str | None, int, bool]] = [
        (name, entry.key, canonical(entry.content), _version(entry), is_readable(answer.set, entry))
        for entry in answer.changed
    ]
    rows += [(name, gone.key, None, gone.version, True) for gone in answer.removed]
    connection.executemany("INSERT OR REPLACE INTO directory_staged VALUES (?, ?, ?, ?, ?)", rows)


def switch(
    connection: sqlite3.Connection, name: DirectorySet, incarnation: UUID, version: int, now: datetime
) -> tuple[str, bool]:
    """Let what is on the stage take the place of the set, in one step.

    Returns:
        Its content hash, and whether an id tag may charge less than before.
    """
    connection.execute("DELETE FROM directory_entry WHERE set_name = ?", (name.value,))
    connection.execute(
        """INSERT INTO directory_entry (set_name, key, content)
           SELECT set_name, key, content FROM directory_staged WHERE set_name = ? AND content IS NOT NULL""",
        (name.value,),
    )
    refused = name is DirectorySet.ID_TAGS and came_down.replace_all(connection, now)
    begin_snapshot(connection, name)
    entries = connection.execute("SELECT count(*) FROM directory_entry WHERE set_name = ?", (name.value,)).fetchone()[0]
    content_hash = counted_hash(connection, name)
    _note(connection, name, Held(incarnation, version, content_hash, entries, now, now))
    return content_hash, refused


def is_readable(name: DirectorySet, entry: ChangedEntry) -> bool:
    """Whether this release understands an entry. One that it does not is held all the same, and means nothing here."""
    try:
        ENTRIES[name].model_validate(entry.content)
    except ValidationError:
        return False
    return True


def _version(entry: ChangedEntry) -> int:
    version = entry.content.get("version")
    return version if isinstance(version, int) else 0


def _digest(key: str, text: str | None) -> int:
    return 0 if text is None else digest(key, text)


def _put(connection: sqlite3.Connection, name: DirectorySet, key: str, text: str) -> str | None:
    had = content(connection, name, key)
    connection.execute("INSERT OR REPLACE INTO directory_entry VALUES (?, ?, ?)", (name.value, key, text))
    return had


def _remove(connection: sqlite3.Connection, name: DirectorySet, key: str) -> str | None:
    had = content(connection, name, key)
    connection.execute("DELETE FROM directory_entry WHERE set_name = ? AND key = ?", (name.value, key))
    return had


def _note(connection: sqlite3.Connection, name: DirectorySet, now_held: Held) -> None:
    connection.execute(
        """INSERT OR REPLACE INTO directory_set (name, incarnation, version, hash, entries, applied_at, checked_at)
           VALUES (?, ?, ?, ?, ?, ?, ?)""",
        (
            name.value,
            str(now_held.incarnation),
            now_held.version,
            now_held.hash,
            now_held.entries,
            iso(now_held.applied_at),
            iso(now_held.checked_at),
        ),
    )


def _held(row: sqlite3.Row) -> Held:
    return Held(
        incarnation=UUID(row["incarnation"]),
        version=row["version"],
        hash=row["hash"],
        entries=row["entries"],
        applied_at=datetime.fromisoformat(row["applied_at"]),
        checked_at=datetime.fromisoformat(row["checked_at"]),
    )
