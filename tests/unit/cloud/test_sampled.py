"""Meter events are read into dicts by the very rules of the contract's models."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, NotRequired, get_args, get_origin, get_type_hints
from uuid import uuid4

import orjson
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from cloud.models.sampled import (
    MeterDataDict,
    MeterEventDict,
    MeterValueDict,
    SampleDict,
    meter_event,
    read_meter_event,
)
from contract.batch import Envelope
from contract.events import MeterValue, MeterValuesSampled, Sample

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
TWINS: dict[type, type[BaseModel]] = {
    SampleDict: Sample,
    MeterValueDict: MeterValue,
    MeterDataDict: MeterValuesSampled,
    MeterEventDict: Envelope,
}


def event(**changes: Any) -> Envelope:
    sample = Sample(measurand="Power.Active.Import", value="7", unit="W")
    data = MeterValuesSampled(
        charge_point="CP1", connector_id=1, values=[MeterValue(sampled_at=NOON, samples=[sample])]
    )
    content = {
        "id": uuid4(),
        "seq": 1,
        "type": MeterValuesSampled.TYPE,
        "occurred_at": NOON,
        "recorded_at": NOON,
        "clock_synced": True,
        "boot_id": "boot",
        "monotonic_ms": 1,
        "subject": "charge-point/CP1",
        "data": data.model_dump(mode="json"),
    }
    return Envelope.model_validate(content | changes)


@pytest.mark.parametrize("twin", TWINS)
def test_the_dicts_have_the_fields_of_the_models_by_the_same_rules(twin: type) -> None:
    hints = get_type_hints(twin, include_extras=True)
    model = TWINS[twin]
    assert set(hints) == set(model.model_fields)
    for name, field in model.model_fields.items():
        optional = get_origin(hints[name]) is NotRequired
        assert optional is not field.is_required(), name
        declared = get_args(hints[name])[0] if optional else hints[name]
        inner = get_args(declared)[0] if get_origin(declared) is list else declared
        if inner in TWINS or get_origin(declared) is Literal:
            continue
        if declared in TWINS:
            continue
        told = get_type_hints(model, include_extras=True)[name]
        assert TypeAdapter(declared).json_schema() == TypeAdapter(told).json_schema(), name


def test_an_event_is_read_the_same_either_way() -> None:
    envelope = event()
    read = read_meter_event(envelope.model_dump_json().encode())
    assert read == meter_event(envelope, MeterValuesSampled.model_validate(envelope.data))
    assert (read.seq, read.values[0].sampled_at) == (1, NOON)


def test_what_a_newer_edge_adds_to_a_sample_is_kept() -> None:
    envelope = event()
    envelope.data["values"][0]["samples"][0]["signature"] = "new"
    read = read_meter_event(envelope.model_dump_json().encode())
    assert orjson.loads(read.values[0].samples)[0]["signature"] == "new"


@pytest.mark.parametrize("changes", [{"type": "EdgeStarted.v1"}, {"data": {}}, {"data": {"charge_point": 7}}])
def test_what_is_no_good_meter_event_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read_meter_event(event(**changes).model_dump_json().encode())
