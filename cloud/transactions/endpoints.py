"""`GET /api/v1/transactions[/{transaction}]` and `/api/v1/meter-values`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from cloud.auth.dependencies import Operator
from cloud.db.dependencies import TheDatabase
from cloud.db.paging import DEFAULT_LIMIT, After, Limit, Since, Until, decode_key
from cloud.transactions import service
from cloud.transactions.schemas import KEY, METER_KEY, MeterValueFilter, TransactionFilter
from contract.resources import MeterValueRecord, Page, Transaction

router = APIRouter(prefix="/api/v1", tags=["transactions"])

IsOpen = Annotated[bool | None, Query(alias="open", description="true: still running; false: ended.")]


@router.get("/transactions")
def get_transactions(
    *,
    _operator: Operator,
    database: TheDatabase,
    site: str | None = None,
    charge_point: str | None = None,
    id_tag: str | None = None,
    is_open: IsOpen = None,
    since: Since = None,
    until: Until = None,
    cursor: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[Transaction]:
    """Transactions of the campus, newest first."""
    wanted = TransactionFilter(site, charge_point, id_tag, is_open, since, until)
    with database.read() as unit:
        return service.transactions(unit, wanted, decode_key(cursor, KEY), limit)


@router.get("/transactions/{transaction}")
def get_transaction(_operator: Operator, database: TheDatabase, transaction: UUID) -> Transaction:
    """One transaction."""
    with database.read() as unit:
        return service.transaction(unit, transaction)


@router.get("/meter-values")
def get_meter_values(
    *,
    _operator: Operator,
    database: TheDatabase,
    site: str | None = None,
    charge_point: str | None = None,
    transaction: UUID | None = None,
    since: Since = None,
    until: Until = None,
    cursor: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[MeterValueRecord]:
    """Meter values of the campus, oldest first."""
    wanted = MeterValueFilter(site, charge_point, transaction, since, until)
    with database.read() as unit:
        return service.meter_values(unit, wanted, decode_key(cursor, METER_KEY), limit)
