"""Reading meter values (OCPP 1.6 ed. 2 §4.7 "Meter Values", §7.33 "MeterValue", §7.43 "SampledValue")."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import orjson

from edge.domain import timestamps
from edge.ocpp16.schemas import schema
from edge.ocpp16.spellings import canonical

DEFAULT_MEASURAND = "Energy.Active.Import.Register"
_OPTIONAL = {"unit": None, "phase": None, "context": "Sample.Periodic", "format": "Raw", "location": "Outlet"}
"""The optional fields of a sample and their defaults; `None`: none."""
_FIELDS = frozenset({"measurand", "value", *_OPTIONAL})
_UNSAID = frozenset(default for default in _OPTIONAL.values() if default) | {"", None, 0, "SignedData", "Celcius"}
"""Words that are left out, or that the fields beside them are read by."""
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?").fullmatch
_TO_WH = {"Wh": Decimal(1), "kWh": Decimal(1000)}
_GLUED = re.compile(r"\s*([-+]?\d{1,18}(?:[.,]\d{1,18})?)\s*([A-Za-z%°]{1,10})\s*")
MOST_SHAPES = 1000
LONGEST_SHAPE = 2000
_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_plain_shapes: set[bytes] = set()
"""Lists of samples with every digit a nought, that are written as they are kept. Charge points repeat themselves."""
_LARGEST_WH = 2**63 - 1
"""As much as a register of ours holds; a meter that says more says nothing."""


@dataclass(slots=True)
class Reading:
    """The samples of one instant. `samples` are `contract.events.Sample` in JSON form, defaults left out."""

    sampled_at: str
    """As `timestamps.iso` writes it."""
    samples: list[dict[str, Any]]
    text: bytes | None = field(default=None, compare=False)
    """The samples as JSON, where they had to be written out anyway."""


@dataclass(slots=True)
class Readings:
    """What a `meterValue` list says."""

    readings: list[Reading]
    rejected: list[str]
    """One plain reason per sample that is no number; such samples are kept in quarantine and never counted."""


def read(meter_value: object, received_at: datetime) -> Readings:
    """Read a `meterValue` (or `transactionData`) list, as far as it can be read."""
    readings: list[Reading] = []
    rejected: list[str] = []
    for element in meter_value if isinstance(meter_value, list) else ():
        if not isinstance(element, dict):
            rejected.append("a meter value is no object")
            continue
        samples = element.get("sampledValue")
        text = _plain(samples)
        if text is None:
            samples = _samples(samples, rejected)
        if samples:
            readings.append(Reading(timestamps.read_text(element.get("timestamp"), received_at), samples, text))
    return Readings(readings, rejected)


def register_wh(samples: Iterable[Mapping[str, Any]]) -> int | None:
    """Find the overall energy register among samples, in whole Wh; `None`: they have none."""
    for sample in samples:
        if sample.get("measurand", DEFAULT_MEASURAND) != DEFAULT_MEASURAND or sample.get("phase"):
            continue
        if sample.get("format") == "SignedData":
            continue
        factor = _TO_WH.get(sample.get("unit") or "Wh")
        if factor is None:
            continue
        try:
            register = int(Decimal(sample["value"]) * factor)
        except InvalidOperation:
            continue
        if 0 <= register <= _LARGEST_WH:
            return register
    return None


def _samples(sampled_value: object, rejected: list[str]) -> list[dict[str, Any]]:
    samples = []
    for raw in sampled_value if isinstance(sampled_value, list) else ():
        if not isinstance(raw, dict):
            rejected.append("a sampled value is no object")
            continue
        measurand = raw.get("measurand") or DEFAULT_MEASURAND
        value = _value(raw)
        if value is None:
            apart = _apart(raw.get("value"))
            if apart is None:
                rejected.append(f"the value of {measurand} is no number")
                continue
            value, raw = apart[0], raw | {"unit": raw.get("unit") or apart[1]}  # noqa: PLW2901 - read in its better form
        sample = {"measurand": measurand, "value": value}
        for name, given in raw.items():
            if name in _OPTIONAL and given and given != _OPTIONAL[name]:  # neither empty nor the default
                sample[name] = "Celsius" if given == "Celcius" else given
        if measurand == DEFAULT_MEASURAND and "unit" not in sample:
            sample["unit"] = "Wh"
        samples.append(sample)
    return samples


def _plain(sampled_value: object) -> bytes | None:
    """Write out samples that are written already as they are kept: most are, and nothing of them is made anew.

    Whether a list is such a one depends on its digits' places, never on which they are, as long as all of it is text.

    Returns:
        JSON; `None` where they have to be looked at one by one.
    """
    try:
        text = orjson.dumps(sampled_value)
        shape = text.translate(_ALIKE)
        if shape in _plain_shapes:
            return text
        if not isinstance(sampled_value, list) or not all(map(_is_plain, sampled_value)):
            return None
    except (TypeError, KeyError, AttributeError):
        return None  # something is no object, no word or missing, or cannot be written
    if len(shape) <= LONGEST_SHAPE and all(
        isinstance(word, str) for sample in sampled_value for word in sample.values()
    ):
        if len(_plain_shapes) >= MOST_SHAPES:
            _plain_shapes.clear()
        _plain_shapes.add(shape)
    return text


def _is_plain(raw: dict[str, Any]) -> bool:
    """Whether a sample is written already as it is kept."""
    return (
        "unit" in raw
        and "measurand" in raw
        and _PLAIN_NUMBER(raw["value"]) is not None
        and (len(raw) == 3 or raw.keys() <= _FIELDS)  # noqa: PLR2004 - the three above
        and _UNSAID.isdisjoint(raw.values())
    )


def _apart(given: object) -> tuple[str, str] | None:
    """Take a value and the unit that is glued to it (`16.0A`) apart; `None`: it is no such thing."""
    found = _GLUED.fullmatch(given) if isinstance(given, str) else None
    unit = canonical(found[2], _units()) if found is not None else None
    return (found[1].replace(",", "."), unit) if found is not None and unit else None


@cache
def _units() -> tuple[str, ...]:
    value = schema("MeterValues")["properties"]["meterValue"]["items"]["properties"]["sampledValue"]["items"]
    return tuple(value["properties"]["unit"]["enum"])


def _value(raw: Mapping[str, Any]) -> str | None:
    """Trim a value to a number's text; signed data stays byte for byte."""
    given = raw.get("value")
    if isinstance(given, str):
        text = given
    elif isinstance(given, int | float) and not isinstance(given, bool):
        text = str(given)
    else:
        return None
    if raw.get("format") == "SignedData":
        return text
    text = text.strip()
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    try:
        return text if math.isfinite(float(text)) else None
    except ValueError:
        return None
