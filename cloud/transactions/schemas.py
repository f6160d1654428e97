"""Which transactions and meter values are asked for. All conditions hold together; `None`: any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter

Key = tuple[datetime, str, UUID]
"""The sort key of a transaction: when, site, identity."""

MeterKey = tuple[datetime, str, int, int, int]
"""The sort key of a meter value: when, site, epoch, event number, place in its event."""


KEY = TypeAdapter[Key](Key)
METER_KEY = TypeAdapter[MeterKey](MeterKey)


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """Of transactions."""

    site: str | None = None
    charge_point: str | None = None
    id_tag: str | None = None
    is_open: bool | None = None
    since: datetime | None = None
    """Inclusive; of the start."""
    until: datetime | None = None
    """Exclusive; of the start."""


@dataclass(frozen=True, slots=True)
class MeterValueFilter:
    """Of meter values."""

    site: str | None = None
    charge_point: str | None = None
    transaction: UUID | None = None
    since: datetime | None = None
    """Inclusive; of the sample."""
    until: datetime | None = None
    """Exclusive; of the sample."""
