"""What a transaction delivered (OCPP 1.6 ed. 2 §4.8, §4.10; errata §3.77: both readings come from one register).

The two readings of the charge point are the truth. Only where they contradict themselves are the samples asked, and
never are the two mixed when they come from different registers. No result is negative, none is a register's whole life.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from edge.domain.meter_values import DEFAULT_MEASURAND, register_wh

MAX_POWER_W = 400_000
"""More than any connector of today delivers."""
MARGIN = 1.2
SLACK = timedelta(minutes=5)
"""How far the two times of a transaction may be off before its energy is called implausible."""
SAMPLE_SLACK_WH = 1000
"""By how much one sample may be ahead of what the power allows: time stamps are rounded, registers as well."""
PHASES = frozenset({"L1", "L2", "L3"})
_POWER = "Power.Active.Import"
_TO_W = {"W": 1.0, "kW": 1000.0}


@dataclass(frozen=True, slots=True)
class Energy:
    """The energy of a transaction."""

    energy_wh: int | None
    """`None`: there is no baseline, or the register contradicts itself. Never the register's whole life."""
    flag: str | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """What the samples of one instant say."""

    at: datetime
    register_wh: int | None
    power_w: float | None = None
    context: str = "Sample.Periodic"
    """Of the register's sample."""


@dataclass(slots=True)
class Account:
    """What the samples of a transaction add up to."""

    energy_wh: int | None
    meter_stop_wh: int | None
    """The register at the end as the samples have it; `None`: they have none that fits the start."""
    flags: list[str] = field(default_factory=list)
    outliers: list[Point] = field(default_factory=list)
    """Samples that no connector can deliver; they were left out."""


def energy(
    meter_start_wh: int | None, meter_stop_wh: int | None, lasted: timedelta | None = None, tolerance_wh: int = 0
) -> Energy:
    """Subtract the two readings of the register.

    Args:
        meter_start_wh: at the start.
        meter_stop_wh: at the end.
        lasted: how long the transaction took; `None`: not known well enough to judge by.
        tolerance_wh: by how much two readings of one instant may differ, since its charge point rounds them.
    """
    if meter_start_wh is None or meter_stop_wh is None:
        return Energy(None, "no_baseline")
    if meter_stop_wh < meter_start_wh - tolerance_wh:
        return Energy(None, "meter_went_back")
    delivered = max(meter_stop_wh - meter_start_wh, 0)
    if lasted is not None and delivered > _most(lasted + SLACK):
        return Energy(None, "implausible_energy")
    return Energy(delivered)


def contradicts(meter_start_wh: int | None, meter_stop_wh: int | None, last: Point) -> bool:
    """Whether the last sample says that the register was far above its reading at the end: it was reset since.

    Some meters report a little less at the end than in their last sample; that is no contradiction.
    """
    if meter_stop_wh is None or last.register_wh is None:
        return False
    nothing = meter_stop_wh == meter_start_wh and last.register_wh > meter_stop_wh + 1
    return nothing or last.register_wh > meter_stop_wh + SAMPLE_SLACK_WH


def point(at: datetime, samples: Sequence[Mapping[str, Any]]) -> Point:
    """Read the register and the power out of the samples of one instant."""
    register = register_wh(samples)
    context = next(
        (s.get("context") for s in samples if s.get("measurand", DEFAULT_MEASURAND) == DEFAULT_MEASURAND), None
    )
    if register is None:
        register = _phase_sum(samples)
    return Point(at, register, _power_w(samples), context or "Sample.Periodic")


def from_samples(
    begin: tuple[datetime | None, int | None], end: tuple[datetime | None, int | None], points: Iterable[Point]
) -> Account:
    """Add up a transaction whose two readings are missing or contradict each other.

    In this order: the sample that was taken at the end (Transaction.End) against the start; the sum of what the
    register rose from sample to sample, over resets and wraps (a 16 or 32 bit register that begins again is a reset);
    where there is no register at all, the power over time.

    Args:
        begin: when it began, and the register then; `None`: not known.
        end: the same of its end.
        points: its samples, in any order.
    """
    ordered = sorted(points, key=lambda one: one.at)
    registers, outliers = _plausible([one for one in ordered if one.register_wh is not None])
    if not registers:
        return _from_power(ordered, outliers)
    meter_start, meter_stop = begin[1], end[1]
    flags = ["outliers_left_out"] if outliers else []
    last = registers[-1]
    if (without := _without_samples(begin, end, registers[0])) is not None:
        return Account(without, meter_stop, ["samples_of_another_register"], outliers)
    if meter_start is not None and _value(registers[0]) < meter_start:  # they count on another one
        plain = energy(meter_start, meter_stop, _between(begin[0], end[0]))
        if plain.flag is None:
            return Account(plain.energy_wh, meter_stop, ["samples_of_another_register"], outliers)
        rose, reset = _rise([_value(one) for one in registers])
        flags += ["samples_of_another_register", *(["register_reset"] if reset else [])]
        return Account(rose, None, flags, outliers)
    if meter_start is None or _jumps(begin[0], meter_start, registers[0]):
        meter_start = _value(registers[0])
        flags.append("baseline_from_sample")
    bogus = not meter_stop or meter_stop < meter_start
    if last.context == "Transaction.End" and bogus and _value(last) >= meter_start:
        flags.append("meter_stop_from_transaction_end")
        return Account(_value(last) - meter_start, _value(last), flags, outliers)
    chain = [meter_start, *(_value(one) for one in registers)]
    if meter_stop is not None and not _jumps(last.at, _value(last), Point(end[0] or last.at, meter_stop)):
        chain.append(max(meter_stop, _value(last)))
    rose, reset = _rise(chain)
    flags.append("register_reset" if reset else "energy_from_samples")
    return Account(rose, _value(last) if _value(last) >= meter_start else None, flags, outliers)


def _without_samples(
    begin: tuple[datetime | None, int | None], end: tuple[datetime | None, int | None], first: Point
) -> int | None:
    """The energy by both readings, where they fit each other and no connector reaches the samples from the start."""
    since, start = begin
    until, stop = end
    if start is None or stop is None or not start < stop < _value(first) or not _jumps(since, start, first):
        return None
    return energy(start, stop, _between(since, until)).energy_wh


def _value(one: Point) -> int:
    return one.register_wh or 0


def _between(since: datetime | None, until: datetime | None) -> timedelta | None:
    return None if since is None or until is None else max(until - since, timedelta(0))


def _most(lasted: timedelta) -> float:
    """What can be delivered in a time at most, in Wh."""
    return MARGIN * MAX_POWER_W * max(lasted.total_seconds(), 0) / 3600


def _jumps(since: datetime | None, register: int, later: Point) -> bool:
    """Whether a register rises faster than any connector delivers."""
    if since is None:
        return False
    return _value(later) - register > _most(later.at - since) + SAMPLE_SLACK_WH


def _plausible(points: list[Point]) -> tuple[list[Point], list[Point]]:
    """Part the samples into those that can be and those that cannot.

    A repeated Transaction.Begin behind other samples says nothing new; a reading that falls and is back with the next
    one was no reset; one that rises faster than any connector delivers is no reading.
    """
    kept: list[Point] = []
    outliers: list[Point] = []
    fresh = [one for number, one in enumerate(points) if number == 0 or one.context != "Transaction.Begin"]
    for number, one in enumerate(fresh):
        if kept:
            before = kept[-1]
            following = fresh[number + 1] if number + 1 < len(fresh) else None
            dips = _value(one) < _value(before) and following is not None and _value(following) >= _value(before)
            if dips or _jumps(before.at, _value(before), one):
                outliers.append(one)
                continue
        kept.append(one)
    return kept, outliers


def _rise(chain: list[int]) -> tuple[int, bool]:
    """Sum what a register rose; and whether it fell in between."""
    steps = [later - earlier for earlier, later in pairwise(chain)]
    return sum(step for step in steps if step > 0), any(step < 0 for step in steps)


def _from_power(points: list[Point], outliers: list[Point]) -> Account:
    metered = [(one.at, one.power_w) for one in points if one.power_w is not None and one.power_w <= MAX_POWER_W]
    if len(metered) < 2:  # noqa: PLR2004 - one instant has no length
        return Account(None, None, ["outliers_left_out"] if outliers else [], outliers)
    delivered = sum(
        (power + later) / 2 * (until - since).total_seconds() / 3600
        for (since, power), (until, later) in pairwise(metered)
    )
    return Account(max(round(delivered), 0), None, ["energy_from_power"], outliers)


def _phase_sum(samples: Sequence[Mapping[str, Any]]) -> int | None:
    """Sum a register that is reported per phase: all three of them, or the one of a single-phase meter."""
    by_phase = {
        str(sample.get("phase", ""))[:2]: {key: value for key, value in sample.items() if key != "phase"}
        for sample in samples
        if sample.get("measurand", DEFAULT_MEASURAND) == DEFAULT_MEASURAND and str(sample.get("phase"))[:2] in PHASES
    }
    if set(by_phase) not in (PHASES, {"L1"}):
        return None
    registers = [register_wh([sample]) for sample in by_phase.values()]
    return None if None in registers else sum(register or 0 for register in registers)


def _power_w(samples: Sequence[Mapping[str, Any]]) -> float | None:
    """Read the power: the overall sample, else the sum of its phases."""
    found: dict[str, float] = {}
    for sample in samples:
        factor = _TO_W.get(sample.get("unit") or "W")
        if sample.get("measurand") == _POWER and factor is not None and sample.get("format") != "SignedData":
            try:
                found.setdefault(sample.get("phase") or "", float(Decimal(sample["value"])) * factor)
            except InvalidOperation:
                continue
    if "" in found:
        return found[""]
    return sum(found.values()) if found else None
