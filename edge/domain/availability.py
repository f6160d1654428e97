"""Which connectors an operator has taken out of service, and which of them the charge point has forgotten."""

from __future__ import annotations

from collections.abc import Mapping

DONE = frozenset({"Accepted", "Scheduled"})
"""Answers of ChangeAvailability that mean success: Scheduled takes effect when the transaction has ended (§5.2)."""

OUT_OF_SERVICE = "Unavailable"


def unfulfilled(desired: Mapping[int, str], statuses: Mapping[int, str]) -> list[tuple[int, str]]:
    """Say what to ask for again.

    Args:
        desired: connector → `Operative` or `Inoperative`; 0 is the whole charge point.
        statuses: connector → status, as far as the charge point has reported it.

    Returns:
        Connector and type, the whole charge point first.
    """
    return [
        (connector, kind)
        for connector, kind in sorted(desired.items())
        if (statuses.get(connector) == OUT_OF_SERVICE) != (kind == "Inoperative")
    ]
