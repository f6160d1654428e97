"""The latest decisions on id tags: who was refused, where, and why, in words."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from contract.resources import Authorization, Page
from edge.api import paging
from edge.api.collaborators import Here
from edge.api.problems import documented
from edge.store import authorizations as store

router = APIRouter(prefix="/api/v1/authorizations", tags=["Id tags"])


@router.get("", summary="List the latest decisions on id tags", responses=documented(422))
async def list_authorizations(
    here: Here,
    charge_point: Annotated[str | None, Query(description="Only those asked for by this charge point.")] = None,
    id_tag: Annotated[str | None, Query(description="Only those on this id tag; its case does not matter.")] = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> Page[Authorization]:
    """Newest first; the site keeps the last 10,000."""
    place = paging.read(cursor, "authorizations", int)
    found = await here.readers.run(
        lambda connection: store.page(
            connection,
            before=place[0] if place else None,
            limit=limit + 1,
            charge_point=charge_point,
            id_tag=id_tag,
        )
    )
    rows, following = paging.cut(found, limit, lambda row: paging.write("authorizations", row.id))
    return Page(items=[_resource(here.site, row) for row in rows], next_cursor=following)


def _resource(site: str, row: store.Authorization) -> Authorization:
    return Authorization.model_validate(
        {
            "site": site,
            "decided_at": row.decided_at,
            "charge_point": row.charge_point,
            "action": row.action,
            "id_tag": row.id_tag,
            "status": row.status,
            "reason": row.reason,
            "transaction_id": row.transaction_id,
        }
    )
