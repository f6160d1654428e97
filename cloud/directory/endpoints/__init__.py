"""The directory's REST API, and the edge's pull of it."""

from __future__ import annotations

from fastapi import APIRouter

from cloud.directory.endpoints import id_tags, link, people_and_groups, sites, tariffs

router = APIRouter()
for _part in (id_tags, people_and_groups, tariffs, sites, link):
    router.include_router(_part.router)
