"""Reading meter values (OCPP 1.6 ed. 2 §4.7 "Meter Values", §7.33 "MeterValue", §7.43 "SampledValue")."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from edge.domain import timestamps

DEFAULT_MEASURAND = "Energy.Active.Import.Register"
_DEFAULTS = {"context": "Sample.Periodic", "format": "Raw", "location": "Outlet"}
_TO_WH = {"Wh": Decimal(1), "kWh": Decimal(1000)}


@dataclass(frozen=True, slots=True)
class Reading:
    """The samples of one instant. `samples` are `contract.events.Sample` in JSON form, defaults left out."""

    sampled_at: datetime
    samples: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
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
        samples = _samples(element.get("sampledValue"), rejected)
        if samples:
            readings.append(Reading(timestamps.read(element.get("timestamp"), received_at).at, samples))
    return Readings(readings, rejected)


def register_wh(samples: Iterable[Mapping[str, Any]]) -> int | None:
    """Find the overall energy register among samples, in whole Wh; `None`: they have none."""
    for sample in samples:
        if sample.get("measurand", DEFAULT_MEASURAND) != DEFAULT_MEASURAND or sample.get("phase"):
            continue
        factor = _TO_WH.get(sample.get("unit") or "Wh")
        if factor is None:
            continue
        try:
            return int(Decimal(sample["value"]) * factor)
        except InvalidOperation:
            continue
    return None


def _samples(sampled_value: object, rejected: list[str]) -> list[dict[str, Any]]:
    samples = []
    for raw in sampled_value if isinstance(sampled_value, list) else ():
        if not isinstance(raw, dict):
            rejected.append("a sampled value is no object")
            continue
        value = _value(raw.get("value"), signed=raw.get("format") == "SignedData")
        measurand = raw.get("measurand") or DEFAULT_MEASURAND
        if value is None:
            rejected.append(f"the value of {measurand} is no number")
            continue
        samples.append(_sample(raw, measurand, value))
    return samples


def _sample(raw: Mapping[str, Any], measurand: str, value: str) -> dict[str, Any]:
    sample = {"measurand": measurand, "value": value}
    unit = raw.get("unit") or ("Wh" if measurand == DEFAULT_MEASURAND else None)
    if unit:
        sample["unit"] = "Celsius" if unit == "Celcius" else unit
    if phase := raw.get("phase"):
        sample["phase"] = phase
    for name, default in _DEFAULTS.items():
        given = raw.get(name)
        if given and given != default:
            sample[name] = given
    return sample


def _value(raw: object, *, signed: bool) -> str | None:
    """Trim a value to a number's text; signed data stays byte for byte."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    text = str(raw)
    if signed:
        return text
    text = text.strip()
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    try:
        return text if math.isfinite(float(text)) else None
    except ValueError:
        return None
