"""An event after its envelope and data were read, and what may be done with a run of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from cloud.db.database import Unit
from contract.batch import Envelope
from contract.events import EventData
from contract.streams import Stream

Data_co = TypeVar("Data_co", bound=EventData, covariant=True)


@dataclass(frozen=True, slots=True)
class Received(Generic[Data_co]):
    """One event, and where it came from."""

    site: str
    epoch: int
    stream: Stream
    envelope: Envelope
    data: Data_co
    received_at: datetime


Applier = Callable[[Unit, Any], None]
"""Writes what a run of consecutive events of one type means. Raises: none of the run is kept, each is tried alone.

It gets a sequence of `Received`; for `MeterValuesSampled`, the bulk of all, a `cloud.models.sampled.SampleRun`.
"""

Appliers = Mapping[str, Sequence[Applier]]
"""By event type. An empty sequence: the ledger's own row says all."""
