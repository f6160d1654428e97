"""`GET /api/v1/reconciliation`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from cloud.auth.dependencies import Operator
from cloud.db.dependencies import TheDatabase
from cloud.db.paging import After, decode_key
from cloud.reconciliation import service
from cloud.reconciliation.schemas import KEY, DayFilter, ReconciledDay
from contract.resources import Page

MOST_DAYS = 100

router = APIRouter(prefix="/api/v1/reconciliation", tags=["reports"])

Since = Annotated[date | None, Query(alias="from", description="The first day, in UTC.")]
Until = Annotated[date | None, Query(alias="to", description="The last day, in UTC.")]
Days = Annotated[int, Query(ge=1, le=MOST_DAYS, description="Days of one page.")]


@router.get("")
def get_reconciliation(
    *,
    _operator: Operator,
    database: TheDatabase,
    site: str | None = None,
    since: Since = None,
    until: Until = None,
    cursor: After = None,
    limit: Days = 31,
) -> Page[ReconciledDay]:
    """Transactions and energy of each building and day, at the edge and here, newest day first."""
    with database.read(of_one_instant=True) as unit:
        return service.days(unit, DayFilter(site, since, until), decode_key(cursor, KEY), limit)
