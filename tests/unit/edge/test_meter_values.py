from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from contract.events import Sample
from edge.domain import meter_values
from edge.domain.meter_values import DEFAULT_MEASURAND, Reading, read, register_wh
from edge.domain.timestamps import iso
from edge.ocpp16.schemas import schema
from tests.unit.edge.requests import JSON

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = "2026-03-01T12:00:00Z"
NOON = "2026-03-01T12:00:00.000Z"
_FIELDS: dict[str, Any] = schema("MeterValues")["properties"]["meterValue"]["items"]["properties"]["sampledValue"]
KNOWN: dict[str, list[str]] = {
    name: rules["enum"] for name, rules in _FIELDS["items"]["properties"].items() if "enum" in rules
}
DEFAULTS = {"context": "Sample.Periodic", "format": "Raw", "location": "Outlet"}


def one(**fields: Any) -> list[dict[str, Any]]:
    return [{"timestamp": AT, "sampledValue": [{"value": "1"} | fields]}]


def sample_of(**fields: Any) -> dict[str, Any]:
    read_values = read(one(**fields), NOW)
    assert read_values.rejected == []
    assert read_values.readings[0].sampled_at == iso(NOW)
    (sample,) = read_values.readings[0].samples
    return sample


def test_the_schema_names_as_many_kinds_as_the_specification() -> None:
    assert {name: len(values) for name, values in KNOWN.items()} == {
        "measurand": 22,
        "phase": 10,
        "context": 8,
        "location": 5,
        "format": 2,
        "unit": 18,
    }


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in KNOWN.items() for value in values])
def test_every_kind_of_sample_comes_through(name: str, value: str) -> None:
    sample = Sample.model_validate(sample_of(**{name: value}))
    expected = "Celsius" if value == "Celcius" else value
    assert getattr(sample, name) == expected


def test_defaults_are_filled_in_or_left_out() -> None:
    assert sample_of() == {"measurand": DEFAULT_MEASURAND, "value": "1", "unit": "Wh"}
    assert sample_of(**DEFAULTS) == {"measurand": DEFAULT_MEASURAND, "value": "1", "unit": "Wh"}
    assert sample_of(measurand="", unit="", phase="") == {"measurand": DEFAULT_MEASURAND, "value": "1", "unit": "Wh"}


def test_only_the_default_measurand_has_a_default_unit() -> None:
    assert sample_of(measurand="Power.Active.Import") == {"measurand": "Power.Active.Import", "value": "1"}


@pytest.mark.parametrize("unit", ["Hz", "Hertz", "KWh", "rpm"])
def test_an_unknown_unit_is_kept_as_it_is(unit: str) -> None:
    assert sample_of(unit=unit)["unit"] == unit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1500", "1500"),
        (" 1500 ", "1500"),
        ("\t-0.5\n", "-0.5"),
        ("1e3", "1e3"),
        ("16,5", "16.5"),
        (230, "230"),
        (230.5, "230.5"),
        (0, "0"),
        ("+7", "+7"),
    ],
)
def test_a_value_is_trimmed_to_its_number(value: object, text: str) -> None:
    assert sample_of(value=value)["value"] == text


@pytest.mark.parametrize(
    "value",
    [
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "",
        " ",
        "NaN",
        "nan",
        "inf",
        "-Infinity",
        "1e999",
        "1.234,5",
        "1,2,3",
        None,
        True,
        [],
        {},
    ],
)
def test_a_value_that_is_no_number_is_rejected_with_its_measurand(value: object) -> None:
    found = read(one(value=value, measurand="Voltage"), NOW)
    assert (found.readings, found.rejected) == ([], ["the value of Voltage is no number"])


def test_a_sample_without_a_value_is_rejected_alone() -> None:
    found = read([{"timestamp": AT, "sampledValue": [{"unit": "V"}, {"value": "2"}]}], NOW)
    assert found.rejected == [f"the value of {DEFAULT_MEASURAND} is no number"]
    assert found.readings == [Reading(iso(NOW), [{"measurand": DEFAULT_MEASURAND, "value": "2", "unit": "Wh"}])]


def test_signed_data_stays_byte_for_byte() -> None:
    signed = ' OCMF|{"FV":"1.0"}|{"SA":"ü"} \n'
    assert sample_of(value=signed, format="SignedData") == {
        "measurand": DEFAULT_MEASURAND,
        "value": signed,
        "format": "SignedData",
        "unit": "Wh",
    }


@pytest.mark.parametrize("meter_value", [None, {}, "text", 7, []])
def test_what_is_no_list_holds_no_readings(meter_value: object) -> None:
    found = read(meter_value, NOW)
    assert (found.readings, found.rejected) == ([], [])


def test_what_is_no_object_is_rejected() -> None:
    found = read([7, {"timestamp": AT, "sampledValue": [7]}, {"timestamp": AT, "sampledValue": 7}, {}], NOW)
    assert (found.readings, found.rejected) == ([], ["a meter value is no object", "a sampled value is no object"])


def test_an_empty_list_of_samples_is_no_reading() -> None:
    assert read([{"timestamp": AT, "sampledValue": []}], NOW).readings == []


def test_a_reading_without_a_time_is_of_the_receipt() -> None:
    assert read([{"sampledValue": [{"value": "1"}]}], NOW).readings[0].sampled_at == iso(NOW)


@pytest.mark.parametrize(
    ("samples", "register"),
    [
        ([], None),
        ([{"value": "1500"}], 1500),
        ([{"value": "1500", "unit": "Wh"}], 1500),
        ([{"value": "1.5", "unit": "kWh"}], 1500),
        ([{"value": "0.0004", "unit": "kWh"}], 0),
        ([{"value": "1500.9"}], 1500),
        ([{"value": "1", "measurand": "Voltage"}, {"value": "7"}], 7),
        ([{"value": "1", "phase": "L1"}, {"value": "7"}], 7),
        ([{"value": "1", "unit": "MWh"}, {"value": "7"}], 7),
        ([{"value": "not a number"}, {"value": "7"}], 7),
        ([{"value": "1234", "format": "SignedData"}, {"value": "7"}], 7),
        ([{"value": "1e300"}, {"value": "7"}], 7),
        ([{"value": "1e16", "unit": "kWh"}], None),
        ([{"value": "-1"}, {"value": "7"}], 7),
        ([{"value": str(2**63 - 1)}], 2**63 - 1),
    ],
)
def test_the_register_is_the_overall_energy_import(samples: list[dict[str, Any]], register: int | None) -> None:
    filled = [{"measurand": DEFAULT_MEASURAND} | sample for sample in samples]
    assert register_wh(filled) == register


@given(meter_value=st.lists(st.fixed_dictionaries({"timestamp": JSON, "sampledValue": st.lists(JSON)}) | JSON) | JSON)
def test_nothing_that_json_can_say_raises(meter_value: object) -> None:
    for reading in read(meter_value, NOW).readings:
        assert reading.samples


@given(
    st.lists(
        st.fixed_dictionaries(
            {"value": st.text() | st.integers() | st.floats()},
            optional={name: st.sampled_from(values) for name, values in KNOWN.items()},
        )
    )
)
def test_every_sample_that_is_read_is_one_of_the_contract(samples: list[dict[str, Any]]) -> None:
    found = read([{"timestamp": AT, "sampledValue": samples}], NOW)
    kept = [sample for reading in found.readings for sample in reading.samples]
    assert len(kept) + len(found.rejected) == len(samples)
    for sample in kept:
        Sample.model_validate(sample)
    register = register_wh(kept)
    assert register is None or 0 <= register < 2**63


@pytest.mark.parametrize(
    ("given", "value", "unit"),
    [
        ({"value": "16.0A", "measurand": "Current.Import"}, "16.0", "A"),
        ({"value": " 1,5 kwh "}, "1.5", "kWh"),
        ({"value": "50 Hz", "measurand": "Frequency"}, "50", "Hertz"),
        ({"value": "80%", "measurand": "SoC"}, "80", "Percent"),
        ({"value": "21°C", "measurand": "Temperature"}, "21", "Celsius"),
        ({"value": "7W", "measurand": "Power.Active.Import", "unit": "kW"}, "7", "kW"),
    ],
)
def test_a_unit_that_is_glued_to_its_value_is_taken_apart(given: dict[str, Any], value: str, unit: str) -> None:
    read_back = read([{"timestamp": "2026-03-01T12:00:00Z", "sampledValue": [given]}], NOW)
    assert read_back.rejected == []
    ((sample,),) = [reading.samples for reading in read_back.readings]
    assert (sample["value"], sample["unit"]) == (value, unit)


@pytest.mark.parametrize("value", ["16 apples", "A16", "16 A A", "A", "1.2.3A"])
def test_a_value_with_another_text_behind_it_is_no_number(value: str) -> None:
    read_back = read([{"timestamp": "2026-03-01T12:00:00Z", "sampledValue": [{"value": value}]}], NOW)
    assert read_back.rejected == ["the value of Energy.Active.Import.Register is no number"]


WORDS: st.SearchStrategy[Any] = st.sampled_from(
    ["", None, 0, False, "Raw", "Outlet", "Celcius", "Wh", "L1", "SignedData", "Power.Offered", 7]
)
RAW_SAMPLES = st.fixed_dictionaries(
    {"value": st.sampled_from(["1", "-1.5", " 2", "1,5", "1_0", "16.0A", "x", "", "1e3", 7, None, "9" * 40])},
    optional=dict.fromkeys(("measurand", "unit", "phase", "context", "format", "location", "more"), WORDS),
)


@given(st.lists(RAW_SAMPLES, max_size=4))
def test_samples_that_are_taken_as_they_come_are_read_like_any_other(samples: list[dict[str, Any]]) -> None:
    unlike = {"value": "1"}  # beside it each one is read word by word
    together = read([{"timestamp": AT, "sampledValue": [*samples, unlike]}], NOW)
    alone = read([{"timestamp": AT, "sampledValue": samples}], NOW)
    assert [reading.samples for reading in alone.readings] == [
        reading.samples[:-1] for reading in together.readings if len(reading.samples) > 1
    ]
    assert alone.rejected == together.rejected


WORDS = st.sampled_from(
    ["0", "12", "3.5", "-7", ".5", "5.", "1e3", "", " 1", "4" * 19, "1.2.3", "L1", "Wh", "Celcius", "SignedData", "Raw"]
)
SAMPLE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"value": WORDS, "unit": st.just("Wh"), "measurand": st.just("Voltage")},
    optional={
        name: st.one_of(WORDS, st.sampled_from([None, 0, 1, 2, 0.0, 1.5, True, []]))
        for name in ("phase", "context", "format", "f1")
    },
)


@given(st.lists(SAMPLE, max_size=2), st.lists(st.integers(0, 9), min_size=1, max_size=7))
def test_what_was_read_before_changes_no_reading(before: list[Any], digits: list[int]) -> None:
    others = itertools.cycle(digits)
    try:
        like_it = orjson.loads(re.sub(rb"\d", lambda _: b"%d" % next(others), orjson.dumps(before)))
    except orjson.JSONDecodeError:  # a number began with a nought
        reject()
    read([{"timestamp": AT, "sampledValue": before}], NOW)
    found = read([{"timestamp": AT, "sampledValue": like_it}], NOW)
    meter_values._plain_shapes.clear()
    assert found == read([{"timestamp": AT, "sampledValue": like_it}], NOW)
    assert all(reading.text in (None, orjson.dumps(reading.samples)) for reading in found.readings)
