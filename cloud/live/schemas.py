"""The picture as the API shows it."""

from __future__ import annotations

from uuid import UUID

from pydantic import TypeAdapter

from contract.events import Sample
from contract.model import Record, UtcDatetime

Key = tuple[str, str, int]
"""Site, charge point, connector."""

KEY = TypeAdapter[Key](Key)


class LiveConnector(Record):
    """One connector, as it was when its edge last told of it; 0 is the charge point itself."""

    site: str
    charge_point: str
    connector_id: int
    status: str | None
    """`None`: it has not said."""
    error_code: str | None
    status_at: UtcDatetime | None
    transaction: UUID | None
    """Whose the samples are."""
    sampled_at: UtcDatetime | None
    """`None`: it has measured nothing since the edge began to tell."""
    samples: list[Sample]
    heard_at: UtcDatetime
    """When the cloud heard of it, by its own clock."""
