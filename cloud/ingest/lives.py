"""The lives of a site's edge, one per epoch, as the API shows them; and the choice between two that speak at once."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from contract.model import Record, UtcDatetime
from contract.streams import Stream


class Continues(StrEnum):
    """Which of two edges goes on."""

    PRESENT = "present"
    """The one that holds the present epoch: it was granted last."""
    OTHER = "other"
    """The one that spoke although its epoch was superseded."""


class Unlock(Record):
    """An operator's choice."""

    continues: Continues


class Fork(Record):
    """Where a stream of an epoch parts from that of the epoch before."""

    after: int
    """The last number that both have."""
    left: int
    """Events of the epoch before that lie behind it: the cloud has them, the edge does not."""


class Life(Record):
    """One epoch of a site's edge."""

    epoch: int
    store_id: UUID
    granted_at: UtcDatetime
    why: str | None
    """`first`, `re-imaged`, `restored`, `chosen` (by an operator), or `remembered`: the cloud was restored, and the
    edge held the epoch already. `None`: from before it was noted."""
    from_epoch: int | None
    forks: dict[Stream, Fork]
    refused_at: UtcDatetime | None
    """An operator let another one go on."""


class Conflict(Record):
    """Two edges spoke for one site."""

    conflict: UUID
    noticed_at: UtcDatetime
    present_epoch: int
    other_epoch: int
    other_store_id: UUID
    other_boot_id: str
    other_software_version: str
    settled_at: UtcDatetime | None
    """`None`: nobody has chosen yet, and the edge is locked."""
    settled_by: str | None
    continues: Continues | None


class EdgeLives(Record):
    """Every epoch of a site's edge, and every conflict about it."""

    edge: str
    epoch: int
    locked_at: UtcDatetime | None
    locked_why: str | None
    epochs: list[Life]
    conflicts: list[Conflict]
    """The newest first."""
