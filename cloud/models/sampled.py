"""Meter values as they are read on their way in: plain dicts, because they are the bulk of all that arrives.

They are the contract's `MeterValuesSampled` in its `Envelope`, by the same rules; pydantic reads into such dicts
several times as fast as into the models. A test holds the two descriptions equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NotRequired
from uuid import UUID

from pydantic import ConfigDict, NonNegativeInt, PositiveInt, TypeAdapter, with_config
from typing_extensions import TypedDict

from contract.batch import Envelope
from contract.events import MeterValuesSampled
from contract.model import UtcDatetime


@with_config(ConfigDict(extra="allow"))
class SampleDict(TypedDict):
    """One sampledValue. A field that a newer edge adds is kept."""

    measurand: str
    value: str
    unit: NotRequired[str | None]
    phase: NotRequired[str | None]
    location: NotRequired[str]
    context: NotRequired[str]
    format: NotRequired[str]


class MeterValueDict(TypedDict):
    """The samples of one instant."""

    sampled_at: UtcDatetime
    samples: list[SampleDict]


class MeterDataDict(TypedDict):
    """The `data` of a `MeterValuesSampled`."""

    charge_point: str
    connector_id: int
    transaction: NotRequired[UUID | None]
    values: list[MeterValueDict]


class MeterEventDict(TypedDict):
    """The envelope with its data."""

    id: UUID
    seq: PositiveInt
    type: Literal["MeterValuesSampled.v1"]
    occurred_at: UtcDatetime
    recorded_at: UtcDatetime
    clock_synced: bool
    boot_id: str
    monotonic_ms: NonNegativeInt
    subject: str
    data: MeterDataDict


_EVENT = TypeAdapter(MeterEventDict)


@dataclass(frozen=True, slots=True)
class SampleRun:
    """Consecutive meter events of one edge."""

    site: str
    epoch: int
    received_at: datetime
    events: Sequence[MeterEventDict]


def read_meter_event(raw: bytes) -> MeterEventDict:
    """Read an event's bytes.

    Raises:
        pydantic.ValidationError: they are no meter event, or not a good one.
    """
    return _EVENT.validate_json(raw)


def meter_event(envelope: Envelope, data: MeterValuesSampled) -> MeterEventDict:
    """The same from an envelope, with other data than its own."""
    content: dict[str, Any] = dict(envelope)
    return _EVENT.validate_python(content | {"type": MeterValuesSampled.TYPE, "data": data.model_dump()})
