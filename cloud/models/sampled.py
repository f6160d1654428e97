"""Meter values as they are read on their way in: the bulk of all that arrives, so the cheapest reading comes first.

What an edge wrote in its usual form is taken apart by `cloud.models.plain_samples`. Anything else is read into dicts:
they are the contract's `MeterValuesSampled` in its `Envelope`, by the same rules; pydantic reads into such dicts
several times as fast as into the models. A test holds the two descriptions equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NotRequired
from uuid import UUID

from pydantic import ConfigDict, NonNegativeInt, PositiveInt, TypeAdapter, with_config
from typing_extensions import TypedDict

from cloud.db.types import written_json
from cloud.models.plain_samples import Instant, MeterEvent, read_plain
from contract.batch import Envelope
from contract.events import MeterValuesSampled
from contract.model import StoredInt, UtcDatetime


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
    connector_id: StoredInt
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
    events: Sequence[MeterEvent]


def read_meter_event(raw: bytes) -> MeterEvent:
    """Read an event's bytes.

    Raises:
        pydantic.ValidationError: they are no meter event, or not a good one.
    """
    return read_plain(raw) or _from_dict(_EVENT.validate_json(raw))


def meter_event(envelope: Envelope, data: MeterValuesSampled) -> MeterEvent:
    """The same from an envelope, with other data than its own."""
    return MeterEvent(
        envelope.seq,
        envelope.recorded_at,
        data.charge_point,
        data.connector_id,
        data.transaction,
        tuple(
            Instant(value.sampled_at, written_json([sample.model_dump() for sample in value.samples]))
            for value in data.values
        ),
    )


def _from_dict(event: MeterEventDict) -> MeterEvent:
    data = event["data"]
    return MeterEvent(
        event["seq"],
        event["recorded_at"],
        data["charge_point"],
        data["connector_id"],
        data.get("transaction"),
        tuple(Instant(value["sampled_at"], written_json(value["samples"])) for value in data["values"]),
    )
