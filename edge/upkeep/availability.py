"""Putting connectors back out of service, or into it, after a boot (OCPP 1.6 ed. 2 §5.2 "Change Availability")."""

from __future__ import annotations

import sqlite3
from functools import partial

from edge.domain.availability import unfulfilled
from edge.errors import CallFailedError
from edge.store import availabilities, connectors
from edge.upkeep.visit import Later, Visit


async def reconcile(visit: Visit) -> Later:
    """Ask again for what the charge point no longer shows. A refusal is an answer: it is not argued with."""
    if visit.quirks.no_change_availability:
        return None
    for connector, kind in await visit.read(partial(_unfulfilled, visit.identity)):
        try:
            await visit.ask("ChangeAvailability", {"connectorId": connector, "type": kind})
        except CallFailedError:
            continue
    return None


def _unfulfilled(charge_point: str, connection: sqlite3.Connection) -> list[tuple[int, str]]:
    states = connectors.of_charge_point(connection, charge_point)
    statuses = {state.connector_id: state.status for state in states}
    return unfulfilled(availabilities.desired(connection, charge_point), statuses)
