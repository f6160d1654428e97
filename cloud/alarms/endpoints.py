"""`GET /api/v1/alarms`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from cloud.alarms import service
from cloud.alarms.schemas import KEY, AlarmFilter
from cloud.auth.dependencies import Operator
from cloud.db.dependencies import TheDatabase
from cloud.db.paging import DEFAULT_LIMIT, After, Limit, decode_key
from contract.resources import AlarmRecord, Page

router = APIRouter(prefix="/api/v1", tags=["alarms"])

IsOpen = Annotated[bool | None, Query(alias="open", description="true: it stands; false: it is over.")]


@router.get("/alarms")
def get_alarms(
    *,
    _operator: Operator,
    database: TheDatabase,
    site: str | None = None,
    charge_point: str | None = None,
    kind: str | None = None,
    is_open: IsOpen = None,
    cursor: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[AlarmRecord]:
    """What the sites of the campus want a person to look at, newest first."""
    wanted = AlarmFilter(site, charge_point, kind, is_open)
    with database.read() as unit:
        return service.alarms(unit, wanted, decode_key(cursor, KEY), limit)
