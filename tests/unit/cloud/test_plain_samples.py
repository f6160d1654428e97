"""Meter events taken apart in their usual form say what pydantic reads from them; all others are left to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from cloud.models.plain_samples import MeterEvent, read_plain
from cloud.models.sampled import MeterEventDict
from contract.batch import Envelope
from contract.events import MeterValue, MeterValuesSampled, Sample

BY_PYDANTIC = TypeAdapter(MeterEventDict)
NOON = datetime(2026, 3, 4, 12, 0, 0, 250_000, tzinfo=UTC)
SAMPLES = [
    Sample(measurand="Energy.Active.Import.Register", value="1234567", unit="Wh"),
    Sample(measurand="Current.Import", value="31.2", unit="A", phase="L1"),
]
NASTY = (
    *('"', "\\", '\\"', "\\u0041", "\x00", "\x1f", "\x7f", "é", "\ud800", "{", "}", "[", "]", ",", ":", " ", "\n"),
    *("null", "true", "0", "-", "-1", ".5", "1e5", "9" * 20, "Z", "+02:00", "0000", "24", "30", "60", "02-30T"),
    *('"unit":null,', ',"unit":7', ',"more":1', '{"measurand":"a","value":"b"},', '"seq":2,'),
)


def written(**changes: Any) -> bytes:
    data = MeterValuesSampled(
        charge_point="CP1",
        connector_id=1,
        transaction=UUID(int=7),
        values=[MeterValue(sampled_at=NOON, samples=SAMPLES)],
    )
    content = {
        "id": UUID(int=1),
        "seq": 1,
        "type": MeterValuesSampled.TYPE,
        "occurred_at": NOON,
        "recorded_at": NOON,
        "clock_synced": True,
        "boot_id": "boot",
        "monotonic_ms": 1,
        "subject": "charge-point/CP1",
        "data": data.model_dump(mode="json") | changes.pop("data", {}),
    }
    return Envelope.model_validate(content | changes).model_dump_json().encode()


def agrees(raw: bytes) -> bool:
    """Whether the event was taken; then pydantic has to read the very same."""
    plain = read_plain(raw)
    if plain is None:
        return False
    read = BY_PYDANTIC.validate_json(raw)
    data, [value] = read["data"], read["data"]["values"]
    assert plain == MeterEvent(
        read["seq"],
        read["recorded_at"],
        data["charge_point"],
        data["connector_id"],
        data.get("transaction"),
        ((value["sampled_at"], orjson.dumps(value["samples"])),),  # type: ignore[arg-type] # a plain tuple is equal
    )
    return True


def test_the_usual_form_is_taken_with_and_without_what_may_be_left_out() -> None:
    sample = {"measurand": "Power.Active.Import", "value": "7"}
    assert agrees(written())
    assert agrees(written(data={"transaction": None}))
    assert agrees(written(data={"values": [{"sampled_at": "2026-03-04T12:00:00Z", "samples": [sample]}]}))


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "MeterValuesSampled.v2"},
        {"data": {"charge_point": "Säule"}},
        {"data": {"charge_point": 'a "b"'}},
        {"data": {"values": []}},
        {"data": {"values": [{"sampled_at": "2026-03-04T12:00:00+02:00", "samples": []}]}},
        {"data": {"more": 1}},
    ],
)
def test_another_form_is_left_to_pydantic(changes: dict[str, Any]) -> None:
    assert read_plain(written(**changes)) is None


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ('"occurred_at":"2026-03-04', '"occurred_at":"2026-02-30'),
        ('"sampled_at":"2026-03-04', '"sampled_at":"2026-13-04'),
        ('"recorded_at":"2026', '"recorded_at":"0000'),
        ('"seq":1', '"seq":0'),
        ('"connector_id":1', '"connector_id":true'),
    ],
)
def test_what_only_looks_good_is_not_taken(good: str, bad: str) -> None:
    raw = written().replace(good.encode(), bad.encode())
    assert raw != written()
    assert read_plain(raw) is None
    if "true" not in bad:
        with pytest.raises(ValidationError):
            BY_PYDANTIC.validate_json(raw)


@given(at=st.integers(0, 700), gone=st.integers(0, 12), put=st.sampled_from(NASTY) | st.text(max_size=3))
@example(at=0, gone=0, put="")
def test_whatever_becomes_of_an_event_it_is_taken_only_as_pydantic_reads_it(at: int, gone: int, put: str) -> None:
    raw = written()
    agrees(raw[:at] + put.encode("utf-8", "surrogatepass") + raw[at + gone :])


@given(
    texts=st.lists(st.text(max_size=6), min_size=4, max_size=4),
    at=st.datetimes(timezones=st.just(UTC)),
    connector_id=st.integers(-(2**70), 2**70),
)
def test_whatever_an_event_says_it_is_taken_only_as_pydantic_reads_it(
    texts: list[str], at: datetime, connector_id: int
) -> None:
    charge_point, measurand, value, unit = texts
    sample = {"measurand": measurand, "value": value, "unit": unit}
    values = [{"sampled_at": at.isoformat().replace("+00:00", "Z"), "samples": [sample, sample]}]
    agrees(written(data={"charge_point": charge_point, "connector_id": connector_id, "values": values}))
