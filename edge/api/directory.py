"""The directory that came down from the cloud: how far it is, how fresh, and what happens when it is not."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from contract.directory import DirectoryPolicy, DirectorySet
from contract.model import Record, UtcDatetime
from edge.api.collaborators import Here
from edge.api.problems import documented
from edge.domain.directory import Held, is_stale
from edge.store import directory as store

router = APIRouter(prefix="/api/v1", tags=["Id tags"])


class HeldSet(Record):
    """One set as it came down."""

    version: int
    """The cloud's number of it."""
    incarnation: UUID
    """The cloud database that the version is of."""
    entries: int
    applied_at: UtcDatetime
    """When its content changed last."""
    checked_at: UtcDatetime
    """When the cloud last said that this is all."""
    age_s: int
    """Seconds since then."""


class Directory(Record):
    """What came down, and how old it is."""

    sets: dict[DirectorySet, HeldSet]
    """A set that never came down is missing."""
    policy: DirectoryPolicy
    """What happens to id tags while the directory is stale."""
    stale: bool
    """Whether that is now. Never where no directory ever came down: then the site's own id tags count."""


@router.get("/directory", summary="Show what came down of the directory", responses=documented())
async def show_directory(here: Here) -> Directory:
    """Each set with its version and its age, and the policy for when it is too old."""
    now = here.clock.now()

    def query(connection: sqlite3.Connection) -> Directory:
        policy, checked_at = store.policy(connection)
        sets = {name: _shown(held, now) for name, held in store.all_held(connection).items()}
        return Directory(sets=sets, policy=policy, stale=is_stale(checked_at, policy, now))

    return await here.readers.run(query)


def _shown(held: Held, now: datetime) -> HeldSet:
    return HeldSet(
        version=held.version,
        incarnation=held.incarnation,
        entries=held.entries,
        applied_at=held.applied_at,
        checked_at=held.checked_at,
        age_s=round((now - held.checked_at).total_seconds()),
    )
