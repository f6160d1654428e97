"""Charging profiles, and the limit that they come to at an instant (OCPP 1.6 ed. 2 §3.13)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.clock import from_wire

MAX_PROFILE, DEFAULT_PROFILE, TX_PROFILE = "ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"
_CYCLES = {"Daily": timedelta(days=1), "Weekly": timedelta(days=7)}
_USUAL_PHASES = 3

Payload = dict[str, Any]
"""A csChargingProfiles, keys in the `ocpp` package's snake case."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A profile, and where it was installed."""

    connector_id: int
    profile: Payload
    installed_at: datetime

    @property
    def purpose(self) -> str:
        """§7.11."""
        return str(self.profile["charging_profile_purpose"])

    @property
    def stack_level(self) -> int:
        """The higher one wins."""
        return int(self.profile["stack_level"])

    def begins_at(self, now: datetime, began_at: datetime | None) -> datetime:
        """When the schedule that holds at `now` begins; a relative one with the charging."""
        schedule = self.profile["charging_schedule"]
        start = schedule.get("start_schedule")
        if self.profile["charging_profile_kind"] == "Relative" or start is None:
            return began_at or self.installed_at
        begins = from_wire(start)
        cycle = _CYCLES.get(str(self.profile.get("recurrency_kind")))
        return begins if cycle is None else begins + (now - begins) // cycle * cycle

    def limit_a(self, now: datetime, began_at: datetime | None, voltage_v: float) -> float | None:
        """Ampere per phase at an instant; `None`: it does not hold then."""
        valid_from, valid_to = self.profile.get("valid_from"), self.profile.get("valid_to")
        if (valid_from and now < from_wire(valid_from)) or (valid_to and now >= from_wire(valid_to)):
            return None
        schedule = self.profile["charging_schedule"]
        elapsed_s = (now - self.begins_at(now, began_at)).total_seconds()
        duration = schedule.get("duration")
        if elapsed_s < 0 or (duration is not None and elapsed_s >= duration):
            return None
        period = max(
            (one for one in schedule["charging_schedule_period"] if one["start_period"] <= elapsed_s),
            key=lambda one: one["start_period"],
        )
        limit = float(period["limit"])
        if schedule["charging_rate_unit"] == "A":
            return limit
        return limit / voltage_v / (period.get("number_phases") or _USUAL_PHASES)

    def turns(self, now: datetime, until: datetime, began_at: datetime | None) -> Iterable[datetime]:
        """The instants at which its limit may change."""
        schedule = self.profile["charging_schedule"]
        offsets = [int(one["start_period"]) for one in schedule["charging_schedule_period"]]
        if schedule.get("duration") is not None:
            offsets.append(int(schedule["duration"]))
        begins = self.begins_at(now, began_at)
        cycle = _CYCLES.get(str(self.profile.get("recurrency_kind")))
        while begins <= until:
            yield from (begins + timedelta(seconds=offset) for offset in offsets)
            if cycle is None:
                break
            begins += cycle
        yield from (from_wire(self.profile[name]) for name in ("valid_from", "valid_to") if self.profile.get(name))


class ChargingProfiles:
    """The profiles of one charge point.

    Args:
        voltage_v: Nominal, phase to neutral; turns watt into ampere (§7.12).
    """

    def __init__(self, voltage_v: float = 230.0) -> None:
        self._voltage_v = voltage_v
        self._installed: list[Installed] = []

    def __len__(self) -> int:
        return len(self._installed)

    def install(self, connector_id: int, profile: Payload, now: datetime) -> None:
        """Add a profile; it replaces the same id, and the same purpose and stack level on the same connector."""
        new = Installed(connector_id, profile, now)
        same_place = (connector_id, new.purpose, new.stack_level)
        self._installed = [
            old
            for old in self._installed
            if old.profile["charging_profile_id"] != profile["charging_profile_id"]
            and (old.connector_id, old.purpose, old.stack_level) != same_place
        ]
        self._installed.append(new)

    def clear(self, wanted: Payload) -> bool:
        """Remove what all given fields describe; `id` alone decides (§5.5). `False`: nothing matched."""
        kept = [one for one in self._installed if not _is_meant(one, wanted)]
        cleared = len(kept) < len(self._installed)
        self._installed = kept
        return cleared

    def transaction_ended(self, connector_id: int) -> None:
        """A TxProfile goes with its transaction."""
        self.clear({"connector_id": connector_id, "charging_profile_purpose": TX_PROFILE})

    def limit_a(self, connector_id: int, now: datetime, began_at: datetime | None = None) -> float | None:
        """Ampere per phase that a connector may deliver; `None`: no profile holds. Connector 0: all together."""
        limits = [self._highest(MAX_PROFILE, 0, now, began_at)]
        if connector_id:
            own = self._highest(TX_PROFILE, connector_id, now, began_at)
            if own is None:
                own = self._highest(DEFAULT_PROFILE, connector_id, now, began_at)
            if own is None:
                own = self._highest(DEFAULT_PROFILE, 0, now, began_at)
            limits.append(own)
        return min((limit for limit in limits if limit is not None), default=None)

    def composite(
        self, connector_id: int, now: datetime, duration_s: int, most_a: float, began_at: datetime | None
    ) -> list[tuple[int, float]]:
        """The limits from now on (§5.7): seconds from now, ampere per phase; `most_a` where no profile holds."""
        until = now + timedelta(seconds=duration_s)
        turns = {turn for one in self._installed for turn in one.turns(now, until, began_at) if now < turn < until}
        found: list[tuple[int, float]] = []
        for instant in (now, *sorted(turns)):
            limit = self.limit_a(connector_id, instant, began_at)
            limit = most_a if limit is None else min(limit, most_a)
            if not found or found[-1][1] != limit:
                found.append((round((instant - now).total_seconds()), limit))
        return found

    def _highest(self, purpose: str, connector_id: int, now: datetime, began_at: datetime | None) -> float | None:
        stacked = sorted(
            (one for one in self._installed if (one.purpose, one.connector_id) == (purpose, connector_id)),
            key=lambda one: -one.stack_level,
        )
        limits = (one.limit_a(now, began_at, self._voltage_v) for one in stacked)
        return next((limit for limit in limits if limit is not None), None)


def _is_meant(one: Installed, wanted: Payload) -> bool:
    if wanted.get("id") is not None:
        return bool(one.profile["charging_profile_id"] == wanted["id"])
    facts = {
        "connector_id": one.connector_id,
        "charging_profile_purpose": one.purpose,
        "stack_level": one.stack_level,
    }
    return all(wanted.get(name) in {None, fact} for name, fact in facts.items())
