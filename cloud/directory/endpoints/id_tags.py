"""`/api/v1/id-tags` and the conflicts with what sites made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Response
from pydantic import Field, TypeAdapter

from cloud.auth.dependencies import Operator
from cloud.clock import Now
from cloud.db.dependencies import TheDatabase
from cloud.db.paging import DEFAULT_LIMIT, After, Limit, decode_key
from cloud.directory.endpoints.parts import KEY, NOT_FOUND, IdTagId, created
from cloud.directory.schemas import (
    AT_ONCE,
    MAX_ID_TAG,
    Conflict,
    FollowedIdTag,
    IdTag,
    IdTagFields,
    NewIdTag,
    Written,
    is_id_tag,
)
from cloud.directory.service import conflicts, id_tags
from cloud.errors import InvalidFieldError
from contract.directory import IdTagStatus
from contract.model import UtcDatetime
from contract.resources import Page

_CONFLICT_KEY = TypeAdapter[tuple[datetime, UUID]](tuple[UtcDatetime, UUID])

Several = Annotated[list[NewIdTag], Body(), Field(min_length=1, max_length=AT_ONCE)]

router = APIRouter(prefix="/api/v1", tags=["directory"])


@router.get("/id-tags")
def get_id_tags(
    *,
    _operator: Operator,
    database: TheDatabase,
    person: str | None = None,
    status: IdTagStatus | None = None,
    cursor: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[IdTag]:
    """The id tags of the campus, sorted without regard to case."""
    key = decode_key(cursor, KEY)
    return id_tags.several(database, key[0] if key else None, limit, person, status)


@router.post("/id-tags")
def post_id_tags(operator: Operator, database: TheDatabase, now: Now, tags: Several) -> Written:
    """Add or replace up to 1,000 id tags, all of them or none. Doing it again changes nothing but their versions."""
    new = id_tags.put_all(database, tags, operator, now)
    return Written(written=len(tags), new=new)


@router.get("/id-tags/{id_tag:path}", responses=NOT_FOUND)
def get_id_tag(_operator: Operator, database: TheDatabase, id_tag: IdTagId) -> FollowedIdTag:
    """One id tag, and what sites had made of it in vain."""
    return id_tags.one(database, id_tag)


@router.put("/id-tags/{id_tag:path}", responses={201: {"model": IdTag, "description": "It is new."}})
def put_id_tag(
    operator: Operator, database: TheDatabase, now: Now, id_tag: IdTagId, fields: IdTagFields, response: Response
) -> IdTag:
    """Add or replace an id tag. One that may not charge any more reaches its sites at once."""
    if not is_id_tag(id_tag):
        raise InvalidFieldError("id_tag", f"an id tag has 1 to {MAX_ID_TAG} printable ASCII characters")
    tag, new = id_tags.put(database, id_tag, fields, operator, now)
    created(response, new=new)
    return tag


@router.delete("/id-tags/{id_tag:path}", status_code=204, responses=NOT_FOUND)
def delete_id_tag(operator: Operator, database: TheDatabase, now: Now, id_tag: IdTagId) -> None:
    """Remove an id tag everywhere: it is unknown from now on. Its transactions stay."""
    id_tags.remove(database, id_tag, operator, now)


@router.get("/id-tag-conflicts")
def get_id_tag_conflicts(
    *,
    _operator: Operator,
    database: TheDatabase,
    site: str | None = None,
    id_tag: str | None = None,
    cursor: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[Conflict]:
    """Changes that sites made without knowing of a later one here, newest first."""
    return conflicts.several(database, decode_key(cursor, _CONFLICT_KEY), limit, site, id_tag)
