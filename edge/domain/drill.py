"""An outage drill: the link to the cloud is cut on purpose, to see that nothing depends on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contract.streams import Stream


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill, running or over."""

    began_at: datetime
    until: datetime
    """When the link is to be whole again."""
    ended_at: datetime | None
    """When it was; `None`: it is still cut."""
    drained_at: datetime | None
    """When the cloud had all that was recorded up to the end; `None`: it has not yet."""
    events: dict[Stream, int]
    """Recorded while the link was cut."""
    waiting: int
    """Events that the cloud does not have yet."""
    transactions_started: int
    """That were told while the link was cut."""
    transactions_stopped: int
    """That were told while the link was cut."""
    drained_s: float | None
    """Seconds from the end until the cloud had it all; `None`: not yet."""
