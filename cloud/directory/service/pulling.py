"""An edge pulls a set: what has changed since its version, or a snapshot, slice by slice."""

from __future__ import annotations

from datetime import datetime, timedelta

from cloud.auth.edges import require_present
from cloud.db.database import Database
from cloud.directory.repository import campus, published
from cloud.errors import InvalidFieldError, SnapshotNeededError
from cloud.models.published import PublishedEntryRow, PublishedSetRow
from contract.directory import EMPTY, SLICE, ChangedEntry, DirectoryAnswer, DirectoryRequest, RemovedEntry

REMOVED_KEPT = timedelta(days=90)
"""How long it is remembered what was removed. An edge that was away for longer takes snapshots."""


def pull(database: Database, edge: str, asked: DirectoryRequest, now: datetime) -> DirectoryAnswer:
    """One slice, as of one instant.

    Raises:
        SnapshotNeededError: what has changed since the edge's version cannot be told.
        InvalidFieldError: `after` is none of ours.
        EdgeLockedError: two edges speak for the site.
        EpochError: it speaks under another epoch than the present one: another life of the edge follows the directory.
    """
    after = _read(asked.after)
    with database.read(of_one_instant=True) as unit:
        require_present(unit, edge, asked.epoch)
        incarnation = published.incarnation(unit, edge)
        row = published.find_set(unit, edge, asked.set)
        if asked.since is not None and (asked.incarnation != incarnation or not _can_tell(row, asked.since)):
            raise SnapshotNeededError(
                f"What has changed in {asked.set} since version {asked.since} cannot be told.",
                hint="Ask without a version: for a snapshot.",
            )
        above = 0 if asked.since is None else asked.since
        found = published.slice_of(unit, edge, asked.set, above=above, after=after, limit=SLICE + 1)
    shown = found[:SLICE]
    return DirectoryAnswer(
        incarnation=incarnation,
        server_time=now,
        set=asked.set,
        version=row.version if row else 0,
        hash=row.hash if row else EMPTY,
        changed=[ChangedEntry(key=one.key, content=one.content) for one in shown if one.content is not None],
        removed=[RemovedEntry(key=one.key, version=one.own_version) for one in shown if one.content is None],
        next=_write(shown[-1]) if len(found) > SLICE else None,
    )


def forget_removed(database: Database, now: datetime) -> None:
    """Let go of what was removed long ago. Run it every hour or so."""
    with database.write() as unit:
        campus.lock(unit)  # a change may be about to fill one of these entries again
        published.forget_removed(unit, now - REMOVED_KEPT)


def _can_tell(row: PublishedSetRow | None, since: int) -> bool:
    if row is None:
        return since == 0
    return row.floor <= since <= row.version


def _write(row: PublishedEntryRow) -> str:
    return f"{0 if row.urgent else 1}:{row.key}"


def _read(after: str | None) -> tuple[int, str] | None:
    if after is None:
        return None
    behind, colon, key = after.partition(":")
    if behind not in {"0", "1"} or not colon or "\x00" in key:
        raise InvalidFieldError("after", "is not what a slice said", hint="Pass `next` of the slice before, unchanged.")
    return int(behind), key
