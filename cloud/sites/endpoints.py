"""`GET /api/v1/sites`."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import TypeAdapter

from cloud.auth.dependencies import Operator
from cloud.db.dependencies import TheDatabase
from cloud.db.paging import DEFAULT_LIMIT, After, Limit, decode_key
from cloud.sites import service
from cloud.sites.schemas import Site
from contract.resources import Page

_KEY = TypeAdapter(tuple[str])

router = APIRouter(prefix="/api/v1/sites", tags=["sites"])


@router.get("")
def get_sites(
    _operator: Operator, database: TheDatabase, cursor: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Site]:
    """The sites with the health of their links, by slug."""
    key = decode_key(cursor, _KEY)
    with database.read() as unit:
        return service.sites(unit, key[0] if key else None, limit)
