"""The states of a connector (OCPP 1.6 ed. 2 §4.9 "Status Notification", §7.7 "ChargePointStatus")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from edge.domain.timestamps import FUTURE_TOLERANCE

STATUSES = (
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEVSE",
    "SuspendedEV",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
)

IN_USE = frozenset({"Charging", "SuspendedEVSE", "SuspendedEV"})
"""A connector in one of these has a transaction."""
OVER = frozenset({"Available", "Unavailable"})
"""A connector in one of these has none, with most charge points."""

OF_THE_WHOLE = frozenset({"Available", "Unavailable", "Faulted"})
"""What connector 0, the charge point itself, can be (§4.9)."""

ODD: dict[str, frozenset[str]] = {
    "Available": frozenset({"Finishing"}),
    "Preparing": frozenset({"Reserved", "Unavailable"}),
    "Charging": frozenset({"Preparing", "Reserved"}),
    "SuspendedEV": frozenset({"Preparing", "Reserved"}),
    "SuspendedEVSE": frozenset({"Preparing", "Reserved"}),
    "Finishing": frozenset({"Charging", "SuspendedEV", "SuspendedEVSE", "Reserved"}),
    "Reserved": frozenset({"Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"}),
    "Unavailable": frozenset({"Finishing", "Reserved"}),
}
"""From a status to those that cannot follow it directly (§4.9, its table of transitions). They are accepted all the
same: a notification may be lost, or held back by MinimumStatusDuration. They only tell about the firmware."""

LIVE = timedelta(seconds=10)
"""A status that is not older than this when it arrives is of now, whatever came before it."""


def is_odd(before: str, after: str) -> bool:
    """Tell whether the second status cannot directly follow the first."""
    return after in ODD.get(before, ())


def is_late(at: datetime, known_at: datetime, known_received_at: datetime, now: datetime) -> bool:
    """Tell whether a status speaks of a time before the one that is known, so that it must not replace it.

    Times are compared only where they can be: not with one that lay in the future when it was received. Whether the
    charge point's clock is believed at all, and whether it booted meanwhile, is for the caller to know.

    Args:
        at: the time in the status that arrives.
        known_at: the time in the one that is known.
        known_received_at: when that one came.
        now: when this one comes.
    """
    return at < known_at <= known_received_at + FUTURE_TOLERANCE and at < now - LIVE


_READY = ("Preparing", "Available")
"""In order of preference: where a cable is in already, then where none is."""


def pick_for_start(statuses: Mapping[int, str], occupied: Iterable[int]) -> int | None:
    """Pick a connector for a remote start that names none.

    Args:
        statuses: the last known status by connector id; 0, the charge point itself, is passed over.
        occupied: connectors with a running transaction.

    Returns:
        The lowest connector that has a cable in and waits, else the lowest free one; `None`: none is ready.
    """
    taken = set(occupied)
    for wanted in _READY:
        ready = [number for number, status in statuses.items() if number > 0 and status == wanted]
        if free := sorted(set(ready) - taken):
            return free[0]
    return None
