"""`GET /api/v1/edges/{edge}/directory/{set}`: an edge pulls."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query

from cloud.auth.dependencies import Edge
from cloud.clock import Now
from cloud.db.dependencies import TheDatabase
from cloud.directory.service.pulling import pull
from contract.directory import DIRECTORY_PATH, DirectoryAnswer, DirectoryRequest, DirectorySet
from contract.problems import Problem

Set = Annotated[DirectorySet, Path(alias="set", description="Which set.")]
Since = Annotated[int | None, Query(ge=0, lt=2**62, description="The version that the edge has; absent: a snapshot.")]
Incarnation = Annotated[UUID | None, Query(description="The cloud database that `since` is of.")]
Epoch = Annotated[
    int | None,
    Query(ge=1, lt=2**62, description="The epoch that the edge speaks under; another one gets nothing (409)."),
]
After = Annotated[str | None, Query(max_length=500, description="`next` of the slice before.")]

_GONE: dict[int | str, dict[str, Any]] = {410: {"model": Problem, "description": "Take a snapshot."}}

router = APIRouter(tags=["link"])


@router.get(DIRECTORY_PATH, responses=_GONE)
def pull_directory(
    *,
    edge: Edge,
    database: TheDatabase,
    now: Now,
    name: Set,
    since: Since = None,
    incarnation: Incarnation = None,
    after: After = None,
    epoch: Epoch = None,
) -> DirectoryAnswer:
    """Pull one slice of what changed in a set since a version, or of all that is in it."""
    asked = DirectoryRequest(set=name, since=since, incarnation=incarnation, after=after, epoch=epoch)
    return pull(database, edge, asked, now)
