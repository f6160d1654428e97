"""The directory that comes down: what to ask for next, whether what is held is right, and how fresh it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from contract.directory import DirectoryPolicy, DirectoryRequest, DirectorySet


@dataclass(frozen=True, slots=True)
class Held:
    """One set as the edge holds it."""

    incarnation: UUID
    """The cloud database that the version is of."""
    version: int
    hash: str
    """Hex: the content hash that was moved along with each change."""
    entries: int
    applied_at: datetime
    """When its content changed last."""
    checked_at: datetime
    """When the cloud last said what there is to it."""


class Verdict(Enum):
    """What follows once the last slice has been applied."""

    DONE = "done"
    AGAIN = "again"
    """The set has changed meanwhile: ask for the rest."""
    SNAPSHOT = "snapshot"
    """The same version with another content: only everything anew helps."""


def question(name: DirectorySet, held: Held | None, incarnation: UUID, epoch: int, *, intact: bool) -> DirectoryRequest:
    """Say what to ask for: the changes, or a snapshot where a version would mean nothing.

    Args:
        name: the set.
        held: what the edge has; `None`: nothing.
        incarnation: the cloud database that was greeted.
        epoch: that the edge speaks under.
        intact: whether what lies on the disk still has the hash that was noted with it.
    """
    if held is None or held.incarnation != incarnation or not intact:
        return DirectoryRequest(set=name, epoch=epoch)
    return DirectoryRequest(set=name, since=held.version, incarnation=incarnation, epoch=epoch)


def judge(first_version: int, last_version: int, last_hash: str, held_hash: str) -> Verdict:
    """Compare what is held after the last slice with what the cloud has.

    Args:
        first_version: the set's version at the first slice; what is held is at least that.
        last_version: its version at the last slice.
        last_hash: its content hash then.
        held_hash: of what the edge has now.
    """
    if last_version != first_version:
        return Verdict.AGAIN
    return Verdict.DONE if last_hash == held_hash else Verdict.SNAPSHOT


def is_stale(checked_at: datetime | None, policy: DirectoryPolicy, now: datetime) -> bool:
    """Whether the directory is too old for its policy. Where none ever came down, nothing can grow stale.

    A check that lies in the future was made before the clock went back; by how much it did is not known.
    """
    if checked_at is None:
        return False
    patience = timedelta(seconds=policy.stale_after_s)
    return not -patience <= now - checked_at <= patience
