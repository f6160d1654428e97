"""What an edge's word means for the directory."""

from __future__ import annotations

from collections.abc import Sequence

from cloud.db.database import Unit
from cloud.directory.service import applied, edge_changes
from cloud.models.received import Received
from contract.directory_events import DirectoryApplied
from contract.events import IdTagChanged


def id_tag_changed(unit: Unit, events: Sequence[Received[IdTagChanged]]) -> None:
    """Id tags were written or removed at a site."""
    edge_changes.take(unit, events)


def directory_applied(unit: Unit, events: Sequence[Received[DirectoryApplied]]) -> None:
    """An edge says what it holds."""
    applied.note(unit, events)
