"""Charging transactions and their meter values."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import asdict
from typing import Annotated, cast
from uuid import UUID

import orjson
from fastapi import APIRouter, Query

from contract.events import Sample
from contract.resources import MeterValueRecord, Page, Transaction, TransactionChange
from edge.api import paging
from edge.api.collaborators import AskedBy, Here
from edge.api.problems import ProblemError, documented, not_found
from edge.api.segments import TransactionName
from edge.operations.orphans import close_by_hand
from edge.store import meter_values, transaction_changes
from edge.store import transactions as store
from edge.store.writer import WriteTx

_LARGEST = 2**63 - 1
"""SQLite's largest integer."""

router = APIRouter(prefix="/api/v1/transactions", tags=["Transactions"])


@router.get("", summary="List transactions", responses=documented(422))
async def list_transactions(
    here: Here,
    charge_point: Annotated[str | None, Query(description="Only those of this charge point.")] = None,
    id_tag: Annotated[str | None, Query(description="Only those begun with this id tag.")] = None,
    running: Annotated[bool | None, Query(alias="open", description="Only the running ones, or the ended.")] = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> Page[Transaction]:
    """Newest first."""
    place = paging.read(cursor, "transactions", int)
    found = await here.readers.run(
        lambda connection: store.page(
            connection,
            before=place[0] if place else None,
            limit=limit + 1,
            charge_point=charge_point,
            id_tag=id_tag,
            running=running,
        )
    )
    rows, following = paging.cut(found, limit, lambda row: paging.write("transactions", row.transaction_id))
    return Page(items=[_resource(here.site, row) for row in rows], next_cursor=following)


@router.get("/{transaction}", summary="Show a transaction", responses=documented(404))
async def show_transaction(here: Here, transaction: TransactionName) -> Transaction:
    """By its UUID, or by its number on the charge point."""
    return _resource(here.site, await here.readers.run(lambda connection: _find(connection, transaction)))


@router.get(
    "/{transaction}/meter-values", summary="List the meter values of a transaction", responses=documented(404, 422)
)
async def list_meter_values(
    here: Here, transaction: TransactionName, limit: paging.Limit = 100, cursor: paging.Cursor = None
) -> Page[MeterValueRecord]:
    """Oldest first, by the time at which they were sampled."""
    place = paging.read(cursor, "meter-values", str, int, str)
    after = (place[0], place[1], _digest(place[2])) if place else ("", 0, b"")

    def query(connection: sqlite3.Connection) -> tuple[store.Transaction, list[meter_values.StoredMeterValue]]:
        of = _find(connection, transaction)
        return of, meter_values.of_transaction(connection, of, after=after, limit=limit + 1)

    of, found = await here.readers.run(query)
    rows, following = paging.cut(found, limit, _meter_cursor)
    return Page(items=[_meter_value(here.site, of, row) for row in rows], next_cursor=following)


@router.get(
    "/{transaction}/changes", summary="List how the end of a transaction was changed", responses=documented(404)
)
async def list_changes(here: Here, transaction: TransactionName) -> Page[TransactionChange]:
    """Oldest first: what was known before each change, and who changed it."""
    found = await here.readers.run(
        lambda connection: transaction_changes.changes(connection, _find(connection, transaction).transaction_id)
    )
    return Page(
        items=[TransactionChange.model_validate({**asdict(one), "before": orjson.loads(one.before)}) for one in found]
    )


@router.post("/{transaction}/close", summary="End a transaction by hand", responses=documented(404, 409))
async def close_transaction(here: Here, asked_by: AskedBy, transaction: TransactionName) -> Transaction:
    """For one whose charge point will not tell its end any more. Nothing is asked of the charge point.

    Its end and its energy are estimated, and marked so. Should the charge point's own stop come after all, it wins.
    """

    def close(tx: WriteTx) -> store.Transaction:
        running = _find(tx.connection, transaction)
        if not running.open:
            raise ProblemError(
                409, "transaction-ended", "This transaction has ended already.", hint="GET it to see how it ended."
            )
        close_by_hand(running, tx, here.clock.now(), operator=asked_by)
        return _find(tx.connection, transaction)

    return _resource(here.site, await here.writer.run(close))


def _find(connection: sqlite3.Connection, name: str) -> store.Transaction:
    found = None
    if name.isascii() and name.isdecimal():
        number = int(name[:20])
        found = store.find(connection, number) if number <= _LARGEST else None
    else:
        with contextlib.suppress(ValueError):
            found = store.find_by_uuid(connection, UUID(name))
    if found is None:
        raise not_found("transaction", name, hint="Name it by its UUID, or by its number on the charge point.")
    return found


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _meter_cursor(row: meter_values.StoredMeterValue) -> str:
    return paging.write("meter-values", row.sampled_at, row.connector_id, row.digest.hex())


def _resource(site: str, row: store.Transaction) -> Transaction:
    return Transaction(
        site=site,
        transaction=row.uuid,
        transaction_id=row.transaction_id,
        charge_point=row.charge_point,
        connector_id=row.connector_id,
        id_tag=row.id_tag,
        id_tag_status=row.id_tag_status,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        meter_start_wh=row.meter_start_wh,
        meter_stop_wh=row.meter_stop_wh,
        energy_wh=row.energy_wh,
        reason=row.reason,
        estimated=row.estimated,
        flags=row.flags,
        id_tag_reason=row.id_tag_reason,
        state=row.state.value,
        suspect_since=row.suspect_since,
        suspect_why=row.suspect_why,
    )


def _meter_value(site: str, of: store.Transaction, row: meter_values.StoredMeterValue) -> MeterValueRecord:
    return MeterValueRecord.model_validate(
        {
            "site": site,
            "charge_point": of.charge_point,
            "connector_id": row.connector_id,
            "transaction": of.uuid,
            "sampled_at": row.sampled_at,
            "samples": cast("list[Sample]", row.samples),
        }
    )
