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

HISTORY = timedelta(hours=1)
"""A start that is older than this when it arrives tells of the past."""


def start_key(
    charge_point: str,
    connector_id: int,
    id_tag: str,
    timestamp: object,
    meter_start: object,
    boots: int | None = None,
) -> str:
    """Name a start by what it says. A retry comes under a new message id, so only its content tells that it is one.

    Args:
        charge_point: its identity.
        connector_id: where.
        id_tag: by whom; its case does not matter.
        timestamp: when, however the charge point spells it.
        meter_start: the register as it came.
        boots: how often the charge point has booted. Given where the time cannot be believed: a charge point without
            a clock says the same after each boot. `None`: the time tells enough.
    """
    said = ["start", charge_point, connector_id, id_tag.casefold(), canonical(timestamp), str(meter_start)]
    return json.dumps(said if boots is None else [*said, boots])  # JSON keeps the fields apart whatever they hold


@dataclass(frozen=True, slots=True)
class EndedTwin:
    """An older transaction whose start said the same, and that its charge point has ended by a stop of its own."""

    started_at: datetime | None
    stopped_at: datetime
    meter_start_wh: int | None
    meter_stop_wh: int | None


def is_retry_of(twin: EndedTwin, *, believed: bool) -> bool:
    """Whether a start that says what an ended transaction's start said repeats that one, or begins another.

    A charge point sends its records in order (§3.7), so a retry follows the stop only where a whole backlog is told
    again. A charge point whose clock stands still, though, says the same at each start. It is told from a backlog by
    two marks: the clock did not move between the twin's start and its stop, and the register does not contradict (it
    is where the twin left it, or it is one that begins at zero each time).

    Args:
        twin: the ended transaction.
        believed: whether the start's time is the charge point's own and can be true.
    """
    if not believed:
        return False
    if twin.started_at is None or twin.stopped_at > twin.started_at:
        return True
    at_rest = twin.meter_stop_wh is None or twin.meter_start_wh is None or twin.meter_stop_wh <= twin.meter_start_wh
    return not (at_rest or twin.meter_start_wh == 0)


def is_history(started_at: datetime, now: datetime) -> bool:
    """Whether a start tells of the past, where its charge point is known to tell its whole past again."""
    return started_at < now - HISTORY


def stop_key(charge_point: str, transaction_id: object, timestamp: object, meter_stop: object) -> str:
    """Name a stop whose start never arrived."""
    return json.dumps(["stop", charge_point, str(transaction_id), canonical(timestamp), str(meter_stop)])


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
