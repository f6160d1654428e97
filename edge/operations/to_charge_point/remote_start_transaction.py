"""RemoteStartTransaction (OCPP 1.6 ed. 2 §5.11)."""

from __future__ import annotations

import sqlite3
from typing import Any, cast

from contract.operations import RemoteStartTransaction
from edge.domain.connector import pick_for_start
from edge.errors import NoConnectorError
from edge.operations.to_charge_point.errand import Errand
from edge.store import connectors, transactions


async def perform(errand: Errand) -> dict[str, Any]:
    """Start always on a named connector: many charge points reject a start without one.

    Accepted means that the charge point will try; whether a transaction began is kept in mind.

    Raises:
        NoConnectorError: the request names none, and none is ready.
    """
    request = cast("RemoteStartTransaction", errand.request)
    connector_id = request.connector_id or _picked(errand)
    number = await errand.remote_starts.asked(errand.charge_point, connector_id, request.id_tag, errand.command)
    accepted = False
    try:
        answer = await errand.send(connectorId=connector_id)
        accepted = answer.get("status") == "Accepted"
    finally:
        await errand.remote_starts.answered(number, errand.charge_point, accepted=accepted)
    return answer


def _picked(errand: Errand) -> int:
    connector_id = errand.readers.run_now(lambda db: _pick(db, errand.charge_point))
    if connector_id is None:
        raise NoConnectorError(
            f"No connector of {errand.charge_point} is ready for a start.",
            hint="Wait until one is Available or Preparing, or name the connector in the request.",
        )
    return connector_id


def _pick(db: sqlite3.Connection, charge_point: str) -> int | None:
    statuses = {state.connector_id: state.status for state in connectors.of_charge_point(db, charge_point)}
    occupied = [running.connector_id or 0 for running in transactions.open_at(db, charge_point)]
    return pick_for_start(statuses, occupied)
