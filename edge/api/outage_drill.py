"""An outage drill: cut the link to the cloud on purpose, and see what becomes of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from contract.model import Record, UtcDatetime
from contract.streams import Stream
from edge.api.collaborators import Here, OutageDrill
from edge.api.problems import ProblemError, documented

LONGEST_S = 86_400.0

router = APIRouter(prefix="/api/v1/link/drill", tags=["Link"])


class DrillOrder(Record):
    """How long the link is to be cut."""

    for_s: Annotated[float, Field(ge=1, le=LONGEST_S)]
    """Seconds."""


class DrillReport(Record):
    """One drill, running or over."""

    began_at: UtcDatetime
    until: UtcDatetime
    """When the link is to be whole again."""
    ended_at: UtcDatetime | None
    """When it was; `None`: it is still cut."""
    drained_at: UtcDatetime | None
    """When the cloud had all that was recorded up to the end; `None`: it has not yet."""
    events: dict[Stream, int]
    """Recorded while the link was cut."""
    waiting: int
    """Events that the cloud does not have yet."""
    transactions_started: int
    """That were told while the link was cut."""
    transactions_stopped: int
    """That were told while the link was cut."""
    drained_s: float | None
    """Seconds from the end until the cloud had it all; `None`: not yet."""


@router.post("", summary="Cut the link to the cloud for a while", responses=documented(409, 422))
async def begin_drill(here: Here, order: DrillOrder) -> DrillReport:
    """Charge points notice nothing: that is what a drill shows. A restart of the edge ends it."""
    drill = _drill(here.drill)
    if drill.is_cut:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            "drill-running",
            "An outage drill is running already.",
            hint="Wait for its end, or end it: DELETE /api/v1/link/drill.",
        )
    await drill.begin(order.for_s)
    return await _report(drill)


@router.get("", summary="Show the newest drill", responses=documented(404, 409))
async def show_drill(here: Here) -> DrillReport:
    """How it goes, or went. It is forgotten at a restart."""
    return await _report(_drill(here.drill))


@router.delete("", summary="End a drill before its time", responses=documented(404, 409))
async def end_drill(here: Here) -> DrillReport:
    """The link is whole at once; the edge tries it again when its pause is over."""
    drill = _drill(here.drill)
    drill.end()
    return await _report(drill)


def _drill(drill: OutageDrill | None) -> OutageDrill:
    if drill is None:
        raise ProblemError(
            HTTPStatus.CONFLICT, "no-link", "This edge works on its own: there is no link to cut.", hint=None
        )
    return drill


async def _report(drill: OutageDrill) -> DrillReport:
    report = await drill.report()
    if report is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "no-drill", "There was no drill since the edge started.", hint="Begin one by POST."
        )
    return DrillReport.model_validate(report, from_attributes=True)
