"""`GET /api/v1/charge-points[/{site}/{charge_point}]`."""

from __future__ import annotations

from fastapi import APIRouter

from cloud.auth.dependencies import Operator
from cloud.charge_points import service
from cloud.charge_points.schemas import KEY
from cloud.db.dependencies import TheDatabase
from cloud.db.paging import DEFAULT_LIMIT, After, Limit, decode_key
from contract.resources import ChargePoint, Page

router = APIRouter(prefix="/api/v1/charge-points", tags=["charge points"])


@router.get("")
def get_charge_points(
    _operator: Operator,
    database: TheDatabase,
    site: str | None = None,
    cursor: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[ChargePoint]:
    """Charge points of the campus, by site and identity."""
    with database.read() as unit:
        return service.charge_points(unit, site, decode_key(cursor, KEY), limit)


@router.get("/{site}/{charge_point}")
def get_charge_point(_operator: Operator, database: TheDatabase, site: str, charge_point: str) -> ChargePoint:
    """One charge point with its connectors."""
    with database.read() as unit:
        return service.charge_point(unit, site, charge_point)
