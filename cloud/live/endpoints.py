"""`GET /api/v1/live`, and where edges tell of it."""

from __future__ import annotations

from fastapi import APIRouter

from cloud.auth.dependencies import EdgeWithBody, Operator
from cloud.clock import Now
from cloud.db.dependencies import TheDatabase
from cloud.db.paging import DEFAULT_LIMIT, After, Limit, decode_key
from cloud.live import service
from cloud.live.schemas import KEY, LiveConnector
from contract.live import LIVE_PATH, LiveAnswer, LiveNews
from contract.resources import Page

router = APIRouter()


@router.post(LIVE_PATH, tags=["link"])
def post_live(edge: EdgeWithBody, news: LiveNews, database: TheDatabase, now: Now) -> LiveAnswer:
    """Tell the newest of some connectors. Nothing of it is a record, and what gets lost is told by the next one."""
    return service.take(database, edge, news, now)


@router.get("/api/v1/live", tags=["live"])
def get_live(
    _operator: Operator,
    database: TheDatabase,
    site: str | None = None,
    cursor: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[LiveConnector]:
    """The newest state and samples of each connector, also while a backlog drains. `heard_at` tells how new."""
    with database.read() as unit:
        return service.connectors(unit, site, decode_key(cursor, KEY), limit)
