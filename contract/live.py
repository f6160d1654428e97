"""The live channel: the newest of each connector, at once, whatever waits in the outbox. Nothing of it is a record."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from contract.events import Sample
from contract.model import Record, StoredInt, UtcDatetime

LIVE_PATH = "/api/v1/edges/{edge}/live"

MOST_CONNECTORS = 1_000
"""Connectors of one request at most."""


class LiveState(Record):
    """What a connector last said of itself; 0 is the charge point."""

    charge_point: str
    connector_id: StoredInt = Field(ge=0)
    status: str
    error_code: str
    status_at: UtcDatetime


class LiveSample(Record):
    """The newest samples of a connector."""

    charge_point: str
    connector_id: StoredInt = Field(ge=0)
    transaction: UUID | None
    """Whose they are; `None`: of none."""
    sampled_at: UtcDatetime
    samples: list[Sample]


class LiveNews(Record):
    """What is new since the edge last told. What gets lost is told by the next one."""

    told_at: UtcDatetime
    states: list[LiveState] = Field(default_factory=list, max_length=MOST_CONNECTORS)
    samples: list[LiveSample] = Field(default_factory=list, max_length=MOST_CONNECTORS)


class LiveAnswer(Record):
    """It was shown."""

    connectors: int
    """Whose picture has changed."""
