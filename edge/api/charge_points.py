"""The charge points that the site knows; making one known, and its key."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import Field, SecretStr, model_validator

from contract.model import Record
from contract.resources import ChargePoint, Page
from edge.api import paging
from edge.api.collaborators import Collaborators, Here
from edge.api.connectors import shown_connectors
from edge.api.problems import ProblemError, documented, invalid, not_found
from edge.api.segments import ChargePointIdentity
from edge.domain.alarms import AlarmKind
from edge.domain.registration import MAX_IDENTITY, Registration, is_assignable
from edge.ocpp16.quirks import quirks_of
from edge.store import alarms, keys, removal, transactions
from edge.store import charge_points as store
from edge.store.enrolment import KEY_BYTES, hashed_password, replace_key
from edge.store.keys import KeyHash
from edge.store.writer import WriteTx

router = APIRouter(prefix="/api/v1/charge-points", tags=["Charge points"])


class ChargePointSetting(Record):
    """What an operator decides about a charge point."""

    registration_status: Registration | None = None
    """What it is told at its next boot. By default a new one is Accepted, and a known one stays what it is."""
    new_key: bool | None = None
    """Whether to make a new key, which ends the old one. By default one is made where there is none."""
    password: SecretStr | None = Field(default=None, min_length=8, max_length=255)
    """The password that the charge point has already, where it cannot take a key of ours. It ends the old one.
    32 to 40 hexadecimal digits are a key, and are accepted as digits of either case and as the bytes they stand for."""

    @model_validator(mode="after")
    def _one_key(self) -> ChargePointSetting:
        if self.password is not None and self.new_key:
            raise ValueError("either new_key or password, not both")
        return self


@dataclass(frozen=True, slots=True)
class _Put:
    """What a PUT came to."""

    new: bool
    password: str | None
    changed: bool
    """Whether a charge point that was known already has another key or status now."""


class ChargePointWithKey(Record):
    """A charge point, and its new key."""

    charge_point: ChargePoint
    password: str | None = Field(description="40 hexadecimal digits, shown this once. `null`: no key was made.")


@router.get("", summary="List the charge points of the site", responses=documented(422))
async def list_charge_points(here: Here, limit: paging.Limit = 100, cursor: paging.Cursor = None) -> Page[ChargePoint]:
    """Sorted by identity."""
    place = paging.read(cursor, "charge-points", str)
    connected = frozenset(here.caller.connected())

    def query(connection: sqlite3.Connection) -> Page[ChargePoint]:
        found = store.page(connection, after=place[0] if place else "", limit=limit + 1)
        rows, following = paging.cut(found, limit, lambda row: paging.write("charge-points", row.charge_point))
        items = [_resource(connection, here.site, row, connected, here.clock.now()) for row in rows]
        return Page(items=items, next_cursor=following)

    return await here.readers.run(query)


@router.get("/{charge_point}", summary="Show a charge point", responses=documented(404))
async def show_charge_point(here: Here, charge_point: ChargePointIdentity) -> ChargePoint:
    """With the last known state of its connectors."""
    return await here.readers.run(_shown(here, charge_point))


@router.put(
    "/{charge_point}",
    summary="Make a charge point known, or change it",
    responses={201: {"model": ChargePointWithKey, "description": "It is new."}, **documented(400, 413, 415, 422)},
)
async def put_charge_point(
    here: Here,
    charge_point: ChargePointIdentity,
    response: Response,
    setting: Annotated[ChargePointSetting, Body(default_factory=ChargePointSetting)],
) -> ChargePointWithKey:
    """A new one gets a key, which this answer shows once: type it into the charge point's configuration."""
    hashes: list[KeyHash] = []
    if setting.password is not None:  # slow on purpose, so beside the event loop
        hashes = await asyncio.to_thread(hashed_password, setting.password.get_secret_value(), here.randomness)
    put = await here.writer.run(lambda tx: _put(tx, here, charge_point, setting, hashes))
    if put.changed:  # what was agreed under the old key or status ends with it
        await here.caller.drop(charge_point, "its registration was changed")
    response.status_code = 201 if put.new else 200
    response.headers["Cache-Control"] = "no-store"
    known = await here.readers.run(_shown(here, charge_point))
    return ChargePointWithKey(charge_point=known, password=put.password)


@router.delete("/{charge_point}", summary="Remove a charge point", status_code=204, responses=documented(404, 409))
async def delete_charge_point(here: Here, charge_point: ChargePointIdentity) -> Response:
    """Its keys and certificates end, and what is known of it goes; its transactions and other records stay."""

    def operation(tx: WriteTx) -> None:
        if store.find(tx.connection, charge_point) is None:
            raise not_found("charge point", charge_point, hint="Identities are case-sensitive.")
        if transactions.open_at(tx.connection, charge_point):
            raise ProblemError(
                409,
                "transaction-running",
                f"A transaction is running at {charge_point}.",
                hint="Wait for its end, or end it: POST /api/v1/transactions/{transaction}/close.",
            )
        removal.remove(tx, charge_point, here.clock.now())

    await here.writer.run(operation)
    await here.caller.drop(charge_point, "it was removed")
    return Response(status_code=204)


def _put(
    tx: WriteTx, here: Collaborators, charge_point: str, setting: ChargePointSetting, typed: list[KeyHash]
) -> _Put:
    known = store.find(tx.connection, charge_point)
    if known is None:  # one that is known already may have named itself
        _check_identity(charge_point)
    before = None if known is None else known.registration
    registration = setting.registration_status or before or Registration.ACCEPTED
    store.put(tx.connection, charge_point, registration, here.clock.now())
    if typed:
        keys.set_only(tx.connection, charge_point, typed)
    keyless = registration is Registration.ACCEPTED and not keys.of_charge_point(tx.connection, charge_point)
    password = None
    if keyless if setting.new_key is None else setting.new_key:
        secret = here.randomness(KEY_BYTES)
        replace_key(tx.connection, charge_point, secret, here.randomness)
        password = secret.hex()
    if setting.registration_status is Registration.ACCEPTED or password is not None or typed:
        alarms.clear_alarm(tx, AlarmKind.HARDWARE_CHANGED, charge_point, here.clock.now())  # a person has looked
    changed = known is not None and (password is not None or bool(typed) or registration is not before)
    return _Put(new=known is None, password=password, changed=changed)


def _check_identity(charge_point: str) -> None:
    if is_assignable(charge_point):
        return
    raise invalid(
        "charge_point",
        f"an identity has 1 to {MAX_IDENTITY} printable characters",
        hint="Neither ':' (it ends the user name of Basic authentication) nor '/' (it ends a segment of the URL).",
    )


def _shown(here: Collaborators, charge_point: str) -> Callable[[sqlite3.Connection], ChargePoint]:
    connected = frozenset(here.caller.connected())  # on the loop's own thread; the query runs in another

    def query(connection: sqlite3.Connection) -> ChargePoint:
        row = store.find(connection, charge_point)
        if row is None:
            raise not_found("charge point", charge_point, hint="Identities are case-sensitive.")
        return _resource(connection, here.site, row, connected, here.clock.now())

    return query


def _resource(
    connection: sqlite3.Connection, site: str, row: store.ChargePoint, connected: frozenset[str], now: datetime
) -> ChargePoint:
    return ChargePoint.model_validate(
        {
            "site": site,
            "charge_point": row.charge_point,
            "connected": row.charge_point in connected,
            "registration_status": row.registration.value,
            "vendor": row.vendor,
            "model": row.model,
            "serial_number": row.serial_number,
            "firmware_version": row.firmware_version,
            "last_seen_at": row.last_seen_at,
            "advice": list(quirks_of(row.vendor, row.model, row.firmware_version).advice),
            "connectors": shown_connectors(connection, row.charge_point, now),
        }
    )
