"""What a site's events mean for its edge."""

from __future__ import annotations

from collections.abc import Sequence

from cloud.db.database import Unit
from cloud.models.received import Received
from cloud.models.sites import EdgeRow
from contract.events import EdgeStarted


def edge_started(unit: Unit, events: Sequence[Received[EdgeStarted]]) -> None:
    """Note the newest software version."""
    row = unit.get_one(EdgeRow, events[-1].site)
    row.software_version = events[-1].data.software_version
    unit.flush()
