"""The states of a connector (OCPP 1.6 ed. 2 §4.9 "Status Notification", §7.7 "ChargePointStatus")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
