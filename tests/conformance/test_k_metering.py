"""Samples: every word of the standard comes back as it was sent, defaults are the standard's, signed data stay."""

from __future__ import annotations

import itertools
import json
from typing import Any

import orjson
import pytest

from contract.events import MeterValuesSampled
from edge.ocpp16.schemas import schema
from tests.integration.edge.played_site import PlayedSite

_SAMPLE: dict[str, Any] = schema("MeterValues")["properties"]["meterValue"]["items"]["properties"]["sampledValue"]
WORDS: dict[str, list[str]] = {
    name: rules["enum"] for name, rules in _SAMPLE["items"]["properties"].items() if "enum" in rules
}
DEFAULTS = {"context": "Sample.Periodic", "format": "Raw", "location": "Outlet", "unit": None, "phase": None}


def sent(played: PlayedSite, number: int, samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send samples of a transaction; returns them as they are stored, having checked that they went up alike."""
    played.meter(
        "0", transactionId=number, meterValue=[{"timestamp": played.later(seconds=1), "sampledValue": samples}]
    )
    stored = played.connection.execute("SELECT samples FROM meter_value ORDER BY sampled_at DESC LIMIT 1").fetchone()
    event: MeterValuesSampled = played.events(MeterValuesSampled)[-1]
    up = [sample.model_dump() for sample in event.values[-1].samples]
    kept: list[dict[str, Any]] = [DEFAULTS | sample for sample in orjson.loads(stored["samples"])]
    assert kept == [{name: sample[name] for name in kept[0]} for sample in up]
    return kept


def test_k67_the_standard_has_so_many_words() -> None:
    # The schema knows two spellings of Celsius, and Hertz, which the standard implies (errata §3.84).
    units = set(WORDS["unit"]) - {"Celcius", "Hertz"}
    assert {name: len(words) for name, words in WORDS.items()} | {"unit": len(units)} == {
        "measurand": 22,
        "phase": 10,
        "context": 8,
        "location": 5,
        "format": 2,
        "unit": 16,
    }


@pytest.mark.parametrize("name", ["measurand", "phase", "context", "location", "unit"])
def test_k67_every_word_comes_back_as_it_was_sent(played: PlayedSite, name: str) -> None:
    number = played.start()
    words = [word for word in WORDS[name] if word != "Celcius"]
    samples = [{"value": str(place), "measurand": "Voltage", name: word} for place, word in enumerate(words)]
    assert [(sample["value"], sample[name]) for sample in sent(played, number, samples)] == [
        (str(place), word) for place, word in enumerate(words)
    ]
    assert played.reasons() == []


def test_k67_every_phase_and_location_of_every_measurand_comes_back(played: PlayedSite) -> None:
    number = played.start()
    for measurand in WORDS["measurand"]:
        every = itertools.product(WORDS["phase"], WORDS["location"])
        samples = [
            {"value": f"{place}.5", "measurand": measurand, "phase": phase, "location": location, "unit": "A"}
            for place, (phase, location) in enumerate(every)
        ]
        back = sent(played, number, samples)
        assert [{name: sample[name] for name in samples[0]} for sample in back] == samples


def test_k67_the_misspelt_unit_of_the_published_schema_is_the_right_one(played: PlayedSite) -> None:
    (sample,) = sent(played, played.start(), [{"value": "21", "measurand": "Temperature", "unit": "Celcius"}])
    assert sample["unit"] == "Celsius"


@pytest.mark.parametrize("unit", ["Hz", "Hertz", "hz"])
def test_k67_hertz_is_taken_in_every_message(played: PlayedSite, unit: str) -> None:
    number = played.start()
    frequency = {"value": "50.01", "measurand": "Frequency", "unit": unit}
    assert sent(played, number, [frequency])[0]["unit"] == "Hertz"
    data = [{"timestamp": played.later(seconds=1), "sampledValue": [frequency]}]
    assert played.stop(number, transactionData=data) == {}
    event: MeterValuesSampled = played.events(MeterValuesSampled)[-1]
    assert event.values[0].samples[0].unit == "Hertz"


def test_k68_a_sample_without_measurand_and_unit_is_energy_in_wh(played: PlayedSite) -> None:
    (sample,) = sent(played, played.start(), [{"value": "1234"}])
    assert sample == DEFAULTS | {"measurand": "Energy.Active.Import.Register", "value": "1234", "unit": "Wh"}


def test_k68_what_says_the_defaults_is_the_same_as_what_leaves_them_out(played: PlayedSite) -> None:
    number = played.start()
    bare = sent(played, number, [{"value": "1234"}])
    full = {"measurand": "Energy.Active.Import.Register", "unit": "Wh"} | DEFAULTS | {"value": "1234"}
    assert sent(played, number, [{name: word for name, word in full.items() if word is not None}]) == bare


SIGNED = (
    '  OCMF|{"FV":"1.0","RD":[{"RV":1,5}]}|{"SD":"3045"}  ',
    '<?xml version="1.0"?>\n\t<signedMeterValue>\u00fc \u20ac</signedMeterValue>\r\n',
    "A1b2" * 2048,
    "12,5",
    "",
    '\\u0041\\"',
)


@pytest.mark.parametrize("value", SIGNED)
@pytest.mark.parametrize("way", ["MeterValues", "StopTransaction", "with a repair"])
def test_k69_signed_data_stay_byte_for_byte(played: PlayedSite, way: str, value: str) -> None:
    number = played.start()
    signed = {"value": value, "format": "SignedData", "context": "Transaction.End"}
    if way == "StopTransaction":
        played.stop(number, transactionData=[{"timestamp": played.later(seconds=1), "sampledValue": [signed]}])
    else:
        sent(played, number, [signed | ({"vendorExtra": 1} if way == "with a repair" else {})])
    event: MeterValuesSampled = played.events(MeterValuesSampled)[-1]
    assert event.values[0].samples[0].value == value
    stored = played.connection.execute("SELECT samples FROM meter_value ORDER BY sampled_at DESC LIMIT 1").fetchone()
    assert json.loads(stored["samples"])[0]["value"].encode() == value.encode()
