"""Which alarms are asked for. All conditions hold together; `None`: any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter

Key = tuple[datetime, str, UUID]
"""The sort key of an alarm: when, site, identity."""

KEY = TypeAdapter[Key](Key)


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Of alarms."""

    site: str | None = None
    charge_point: str | None = None
    kind: str | None = None
    is_open: bool | None = None
    """Only those that stand, or only those that are over."""
