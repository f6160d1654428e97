"""RemoteStartTransaction (OCPP 1.6 ed. 2 §5.11)."""

from __future__ import annotations

import sqlite3
from typing import Any, cast

from contract.operations import RemoteStartTransaction
from contract.operations.smart_charging import ChargingProfile
from edge.domain.configuration import read_entry
from edge.domain.connector import pick_for_start
from edge.errors import NoConnectorError
from edge.operations.to_charge_point.errand import Errand
from edge.store import configurations, connectors, transactions

MAX_ID_TAG = 20
WITHOUT_PROFILE = ("chargingProfile",)


async def perform(errand: Errand) -> dict[str, Any]:
    """Start always on a named connector: many charge points reject a start without one.

    Accepted means that the charge point will try; whether a transaction began is kept in mind. A charging profile that
    the charge point does not bear here is kept with it, and sent once the transaction runs.

    Raises:
        NoConnectorError: the request names none, and none is ready.
    """
    request = cast("RemoteStartTransaction", errand.request)
    connector_id = request.connector_id or _picked(errand)
    quirks = errand.quirks
    id_tag = await _id_tag(errand, request.id_tag, quirks.remote_start_id_tag_key)
    later = None if quirks.profile_in_remote_start else request.charging_profile
    number = await errand.remote_starts.asked(
        errand.charge_point, connector_id, id_tag, errand.command, charging_profile=_written(later)
    )
    accepted = False
    try:
        answer = await errand.send(without=WITHOUT_PROFILE if later else (), connectorId=connector_id, idTag=id_tag)
        accepted = answer.get("status") == "Accepted"
    finally:
        await errand.remote_starts.answered(number, errand.charge_point, accepted=accepted)
    return answer


async def _id_tag(errand: Errand, asked_for: str, key: str | None) -> str:
    """Give the id tag to start with: what the charge point itself starts everything with, where it has such a key."""
    if key is None:
        return asked_for
    value = errand.readers.run_now(lambda db: configurations.value_of(db, errand.charge_point, key))
    if value is None:
        answer = await errand.caller.call(
            errand.charge_point, "GetConfiguration", {"key": [key]}, may_send=errand.may_send
        )
        items = answer.get("configurationKey")
        entries = [read_entry(item) for item in items] if isinstance(items, list) else []
        value = next((one.value for one in entries if one is not None and one.key.lower() == key.lower()), None)
    return value.strip() if value is not None and 1 <= len(value.strip()) <= MAX_ID_TAG else asked_for


def _written(profile: ChargingProfile | None) -> str | None:
    return None if profile is None else profile.model_dump_json(by_alias=True, exclude_none=True)


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
