"""What a transaction is worth and how its messages find each other (OCPP 1.6 ed. 2 §4.8, §4.10).

The charge point is the only witness: nothing here refuses a record. Doubts become flags that travel with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.domain.timestamps import canonical

REASONS = frozenset(
    {
        "DeAuthorized",
        "EmergencyStop",
        "EVDisconnected",
        "HardReset",
        "Local",
        "Other",
        "PowerLoss",
        "Reboot",
        "Remote",
        "SoftReset",
        "UnlockCommand",
    }
)
"""§7.36 "Reason"."""


def start_key(charge_point: str, connector_id: int, id_tag: str, timestamp: object, meter_start: object) -> str:
    """Name a start by what it says. A retry comes under a new message id, so only its content tells that it is one.

    JSON keeps the fields apart whatever an identity or an id tag holds.
    """
    return json.dumps(["start", charge_point, connector_id, id_tag.casefold(), canonical(timestamp), str(meter_start)])


def stop_key(charge_point: str, transaction_id: object, timestamp: object, meter_stop: object) -> str:
    """Name a stop whose start never arrived."""
    return json.dumps(["stop", charge_point, str(transaction_id), canonical(timestamp), str(meter_stop)])


@dataclass(frozen=True, slots=True)
class Energy:
    """The energy of a transaction."""

    energy_wh: int | None
    """`None`: there is no baseline, or the register contradicts itself. Never the register's whole life."""
    flag: str | None = None


def energy(meter_start_wh: int | None, meter_stop_wh: int | None) -> Energy:
    """Subtract the two readings of the register."""
    if meter_start_wh is None or meter_stop_wh is None:
        return Energy(None, "no_baseline")
    if meter_stop_wh < meter_start_wh:
        return Energy(None, "meter_went_back")
    return Energy(meter_stop_wh - meter_start_wh)


def doubts_of_stop(started_at: datetime | None, stopped_at: datetime, now: datetime) -> list[str]:
    """Name what is implausible about the times of a stop."""
    doubts = []
    if started_at is not None and stopped_at < started_at:
        doubts.append("stop_before_start")
    if stopped_at > now + timedelta(minutes=5):
        doubts.append("stop_in_the_future")
    return doubts


def estimate_meter_stop(
    meter_start_wh: int | None, last_sample_wh: int | None, next_meter_start_wh: int | None
) -> int | None:
    """Estimate the register at the end of a transaction whose stop was lost.

    In order: its last sample, the next transaction's start on the same connector, its own start (nothing delivered).
    """
    floor = meter_start_wh if meter_start_wh is not None else 0
    for candidate in (last_sample_wh, next_meter_start_wh):
        if candidate is not None and candidate >= floor:
            return candidate
    return meter_start_wh
