"""Letting charge points in: the commissioning window for new ones, and the release of a doubled identity."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field

from contract.model import Record, UtcDatetime
from edge.api.collaborators import Here
from edge.api.problems import documented, not_found
from edge.api.segments import ChargePointIdentity
from edge.domain.alarms import AlarmKind
from edge.store import alarms, charge_points, removal
from edge.store.writer import WriteTx

router = APIRouter(prefix="/api/v1", tags=["Charge points"])

DEFAULT_MINUTES = 15
MAX_MINUTES = 24 * 60


class Opening(Record):
    """For how long charge points that nobody knows may present themselves."""

    minutes: int = Field(default=DEFAULT_MINUTES, ge=1, le=MAX_MINUTES)


class CommissioningWindow(Record):
    """Whether charge points that nobody knows may present themselves and wait, Pending, to be accepted."""

    open: bool
    closes_at: UtcDatetime | None = Field(description="`null`: it is closed, or the setting keeps it open.")


class Refused(Record):
    """Whom a refusal removed."""

    charge_points: list[str]


class Release(Record):
    """What a release came to."""

    charge_point: str
    released: bool = Field(description="`false`: it was not kept out.")


@router.get("/commissioning-window", summary="Show the commissioning window", responses=documented())
async def show_window(here: Here) -> CommissioningWindow:
    """While it is closed, an unknown charge point is refused with 404."""
    return _shown(here)


@router.post("/commissioning-window", summary="Open the commissioning window", responses=documented(400, 413, 415, 422))
async def open_window(here: Here, opening: Annotated[Opening, Body(default_factory=Opening)]) -> CommissioningWindow:
    """It closes by itself, and when the edge restarts. Those that came in stay known as Pending."""
    here.window.open(here.clock.monotonic(), timedelta(minutes=opening.minutes).total_seconds())
    return _shown(here)


@router.delete("/commissioning-window", summary="Close the commissioning window", responses=documented())
async def close_window(here: Here) -> CommissioningWindow:
    """Close it now. The setting `unknown_charge_points=pending` keeps it open all the same."""
    here.window.close()
    return _shown(here)


@router.delete(
    "/commissioning-window/charge-points",
    summary="Refuse all charge points that presented themselves",
    responses=documented(),
)
async def refuse_newcomers(here: Here) -> Refused:
    """Close the window, and remove all that came in through it and have no key: made-up ones fill its 100 places.

    The setting `unknown_charge_points=pending` lets them come again.
    """
    here.window.close()

    def operation(tx: WriteTx) -> list[str]:
        found = removal.newcomers(tx.connection)
        for one in found:
            removal.remove(tx, one, here.clock.now())
        return found

    refused = await here.writer.run(operation)
    for one in refused:
        await here.caller.drop(one, "it was refused")
    return Refused(charge_points=refused)


@router.post(
    "/charge-points/{charge_point}/release",
    summary="Let a doubled identity in again",
    responses=documented(404),
)
async def release(here: Here, charge_point: ChargePointIdentity) -> Release:
    """Ends its alarm DuplicateIdentity. First give one of the two devices an identity and a key of its own."""
    now = here.clock.now()

    def operation(tx: WriteTx) -> bool:
        if charge_points.find(tx.connection, charge_point) is None:
            raise not_found("charge point", charge_point, hint="Identities are case-sensitive.")
        return alarms.clear_alarm(tx, AlarmKind.DUPLICATE_IDENTITY, charge_point, now)

    return Release(charge_point=charge_point, released=await here.writer.run(operation))


def _shown(here: Here) -> CommissioningWindow:
    left_s = here.window.left_s(here.clock.monotonic())
    closes_at = here.clock.now() + timedelta(seconds=left_s) if left_s > 0 and not here.window.always_open else None
    return CommissioningWindow(open=here.window.always_open or left_s > 0, closes_at=closes_at)
