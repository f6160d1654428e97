"""Searching the frame journal: what charge points and the central system said to each other."""

from __future__ import annotations

import sqlite3
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from contract.model import Record, UtcDatetime
from contract.resources import Page
from edge.api import paging
from edge.api.collaborators import Here
from edge.api.problems import ProblemError, documented
from edge.store import journal
from edge.store.frame_blocks import Direction, RecordedFrame
from edge.store.journal import Search

router = APIRouter(prefix="/api/v1/frames", tags=["Frames"])

MAX_TEXT = 500


class Frame(Record):
    """One frame as it went over the wire, without its secrets."""

    at: UtcDatetime
    charge_point: str | None
    """`null`: a gap, which concerns all."""
    direction: Literal["received", "sent", "gap"]
    """From the charge point, to it, or none: `missing` frames were not recorded before this."""
    action: str | None
    """Of an answer: that of its call. `null`: not known."""
    message_id: str | None
    frame: str | None
    """At most a million bytes of it."""
    missing: int | None = None
    """Of a gap: how many frames the disk could not follow."""


@router.get("", summary="Search the frame journal", responses=documented(404, 422))
async def list_frames(  # noqa: PLR0917 - query parameters, each by its name
    here: Here,
    charge_point: Annotated[str | None, Query(description="Only those of this charge point.")] = None,
    since: Annotated[UtcDatetime | None, Query(description="Only those at or after this instant.")] = None,
    until: Annotated[UtcDatetime | None, Query(description="Only those at or before this instant.")] = None,
    action: Annotated[str | None, Query(description="Only calls of this action, and their answers.")] = None,
    message_id: Annotated[str | None, Query(description="Only those with this message id.")] = None,
    text: Annotated[
        str | None, Query(description="Only those that hold this text, in its case.", min_length=1, max_length=MAX_TEXT)
    ] = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> Page[Frame]:
    """Newest first. A frame can be found about a second after it.

    A page ends early where frames are very long, or where many were looked through: then it may even be empty. Go on
    while there is a `next_cursor`.
    """
    if here.frames is None:
        raise ProblemError(
            404, "no-frame-journal", "This edge keeps no frame journal.", hint="Set GARDU_EDGE_JOURNAL__MAX_MIB."
        )
    place = paging.read(cursor, "frames", int)
    wanted = Search(charge_point, since, until, action, message_id, text)

    def query(connection: sqlite3.Connection) -> Page[Frame]:
        rows, end = journal.search(connection, wanted, before=place[0] if place else None, limit=limit)
        return Page(
            items=[_resource(row) for row in rows], next_cursor=None if end is None else paging.write("frames", end)
        )

    return await here.frames.run(query)


def _resource(row: RecordedFrame) -> Frame:
    text = row.frame.decode(errors="replace")
    gap = row.direction is Direction.GAP
    return Frame.model_validate(
        {
            "at": row.at,
            "charge_point": None if gap else row.charge_point,
            "direction": row.direction.name.lower(),
            "action": row.action,
            "message_id": row.message_id,
            "frame": None if gap else text,
            "missing": int(text) if gap else None,
        }
    )
