"""For those who watch the process: is it alive, can it serve. Open to all, so they tell nothing more."""

from __future__ import annotations

from fastapi import APIRouter

from contract.model import Record
from edge.api.collaborators import Here
from edge.api.problems import ProblemError, documented

router = APIRouter(tags=["Health"])


class Health(Record):
    """All is well."""

    status: str = "ok"


@router.get("/healthz", summary="Tell whether the process is alive", responses=documented())
async def alive() -> Health:
    """It is, if this answers."""
    return Health()


@router.get("/readyz", summary="Tell whether the edge can serve charge points", responses=documented())
async def ready(here: Here) -> Health:
    """Answers 503 while it cannot."""
    if not here.ready():
        raise ProblemError(503, "not-ready", "The edge cannot serve now.")
    return Health()
