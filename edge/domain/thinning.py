"""Which meter values stay when a range is thinned: of each connector the first, last, least and most. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.domain.meter_values import register_wh

POWER = "Power.Active.Import"

Series = tuple[str, int, str | None]
"""Charge point, connector, transaction."""


@dataclass(slots=True)
class _Instant:
    """The samples of one instant, and the event that brought them."""

    seq: int
    value: Mapping[str, Any]
    """A `contract.events.MeterValue` in JSON form."""
    level: float | None = field(init=False)
    """What decides about least and most: the power, else the energy register; `None`: neither can be read."""

    def __post_init__(self) -> None:
        samples = self.value["samples"]
        self.level = _power(samples)
        if self.level is None:
            self.level = register_wh(samples)


def thin(events: Iterable[tuple[int, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Choose what stays of a range of `MeterValuesSampled`.

    Args:
        events: number and `data` of each, in the order of the numbers. What has no values is passed over.

    Returns:
        `contract.events.KeptMeterValues` in JSON form, in the order of the numbers.
    """
    series: dict[Series, list[_Instant]] = {}
    for seq, data in events:
        key = (data["charge_point"], data["connector_id"], data.get("transaction"))
        for value in data["values"]:
            series.setdefault(key, []).append(_Instant(seq, value))
    kept = [(key, instant) for key, instants in series.items() for instant in _essence(instants)]
    return [_kept(key, instant) for key, instant in sorted(kept, key=lambda pair: pair[1].seq)]


def _essence(instants: list[_Instant]) -> list[_Instant]:
    ordered = sorted(instants, key=lambda instant: str(instant.value["sampled_at"]))
    chosen = [ordered[0], ordered[-1]]
    if levelled := [instant for instant in ordered if instant.level is not None]:
        chosen += [min(levelled, key=_level), max(levelled, key=_level)]
    return list({id(instant): instant for instant in chosen}.values())


def _level(instant: _Instant) -> float:
    return instant.level if instant.level is not None else 0.0


def _power(samples: Iterable[Mapping[str, Any]]) -> float | None:
    for sample in samples:
        if sample.get("measurand") == POWER and not sample.get("phase") and sample.get("format", "Raw") == "Raw":
            try:
                return float(sample["value"]) * (1000.0 if sample.get("unit") == "kW" else 1.0)
            except ValueError:
                return None
    return None


def _kept(key: Series, instant: _Instant) -> dict[str, Any]:
    charge_point, connector_id, transaction = key
    return {
        "seq": instant.seq,
        "charge_point": charge_point,
        "connector_id": connector_id,
        "transaction": transaction,
        "values": [dict(instant.value)],
    }
