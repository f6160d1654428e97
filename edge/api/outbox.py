"""What is on its way to the cloud, how the link is, and what could not be understood."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from contract.model import Record, UtcDatetime
from contract.resources import Page
from contract.streams import Stream
from edge.api import paging
from edge.api.collaborators import Here
from edge.api.problems import documented
from edge.domain.redaction import redact_frame
from edge.store import outbox as store
from edge.store import quarantine
from edge.store import set_aside as kept
from edge.store.writer import WriteTx

MOST_SENT_AGAIN = 500
"""Events of one request; each write is short, so that no charge point waits for it."""

router = APIRouter(prefix="/api/v1", tags=["Link"])


class StreamBacklog(Record):
    """How far one stream of events has come."""

    head: int
    """The number of its newest event; 0: none yet."""
    acknowledged: int
    """The cloud has committed everything up to this number."""
    oldest_unsent: UtcDatetime | None
    """When the oldest event that is not acknowledged was recorded; `None`: all are."""
    depth: int
    """Events that are not acknowledged."""


class Link(Record):
    """The link to the cloud."""

    state: str
    since: UtcDatetime | None
    last_success_at: UtcDatetime | None
    last_error: str | None


class Outbox(Record):
    """The outbox and its link."""

    streams: dict[Stream, StreamBacklog]
    link: Link
    set_aside: int
    """Events that the cloud could not take, and that were not sent again yet."""


class SetAside(Record):
    """An event that the cloud could not take. A `Skipped` went up in its place."""

    number: int
    stream: Stream
    seq: int
    """The number that it had in its stream."""
    set_aside_at: UtcDatetime
    why: str
    """What the cloud said."""
    event: str
    """The event as it was written, without its secrets."""
    sent_again_at: UtcDatetime | None
    """When it was put into its stream again; `None`: not yet."""


class SentAgain(Record):
    """What came of sending events again."""

    sent: int
    """They have new numbers now. One that the cloud still cannot take is set aside again."""
    unreadable: int
    """Their bytes are no event, or they stand for a range that was thinned; they stay."""
    left: int
    """Not tried yet: ask again."""


class QuarantinedFrame(Record):
    """A frame that could not be understood. It was answered all the same."""

    id: int
    charge_point: str
    received_at: UtcDatetime
    reason: str
    raw: str
    """The frame as it came, without its secrets; of a very long one its beginning."""
    repeats: int
    """How many more came after it for the same reason within the hour, and were counted only."""
    repeated_at: UtcDatetime | None
    """When the last of them came; `None`: none did."""


@router.get("/outbox", summary="Show what waits for the cloud", responses=documented())
async def show_outbox(here: Here) -> Outbox:
    """Per stream, with the state of the link."""
    streams, waiting = await here.readers.run(lambda connection: (_streams(connection), kept.count_waiting(connection)))
    link = Link.model_validate(here.link_status(), from_attributes=True)
    return Outbox(streams=streams, link=link, set_aside=waiting)


@router.get("/outbox/set-aside", summary="List events that the cloud could not take", responses=documented(422))
async def list_set_aside(here: Here, limit: paging.Limit = 100, cursor: paging.Cursor = None) -> Page[SetAside]:
    """Newest first."""
    place = paging.read(cursor, "set-aside", int)
    rows = await here.readers.run(
        lambda connection: kept.page(connection, before=place[0] if place else None, limit=limit + 1)
    )
    shown = [
        SetAside.model_validate(
            {**asdict(row), "event": redact_frame(row.event).decode(errors="replace")}, from_attributes=True
        )
        for row in rows[:limit]
    ]
    return Page(items=shown, next_cursor=paging.write("set-aside", shown[-1].number) if len(rows) > limit else None)


@router.post("/outbox/set-aside/redrive", summary="Send those events again", responses=documented())
async def redrive(here: Here) -> SentAgain:
    """Put what was set aside into its stream again, for example after an upgrade of the cloud."""

    def send(tx: WriteTx) -> SentAgain:
        sent, unreadable = kept.send_again(tx, here.clock.now(), limit=MOST_SENT_AGAIN)
        left = max(0, kept.count_waiting(tx.connection) - unreadable)
        return SentAgain(sent=sent, unreadable=unreadable, left=left)

    return await here.writer.run(send)


@router.get("/quarantine", summary="List frames that could not be understood", responses=documented(422))
async def list_quarantine(
    here: Here,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
    charge_point: Annotated[str | None, Query(description="Only the frames of this charge point.")] = None,
) -> Page[QuarantinedFrame]:
    """Newest first. A page of very long frames ends early; go on with its cursor."""
    place = paging.read(cursor, "quarantine", int)

    def query(connection: sqlite3.Connection) -> Page[QuarantinedFrame]:
        rows = quarantine.page(connection, charge_point=charge_point, before=place[0] if place else None, limit=limit)
        more = bool(rows) and bool(quarantine.page(connection, charge_point=charge_point, before=rows[-1].id, limit=1))
        return Page(
            items=[_shown(row) for row in rows],
            next_cursor=paging.write("quarantine", rows[-1].id) if more else None,
        )

    return await here.readers.run(query)


def _shown(row: quarantine.QuarantinedFrame) -> QuarantinedFrame:
    frame = QuarantinedFrame.model_validate(row, from_attributes=True)
    return frame.model_copy(update={"raw": redact_frame(row.raw.encode()).decode(errors="replace")})


def _streams(connection: sqlite3.Connection) -> dict[Stream, StreamBacklog]:
    heads = store.heads(connection)
    return {
        stream: StreamBacklog.model_validate(
            {
                "head": heads[stream].head,
                "acknowledged": heads[stream].acknowledged,
                "oldest_unsent": store.oldest_unsent(connection, stream),
                "depth": heads[stream].head - heads[stream].acknowledged,
            }
        )
        for stream in Stream
    }
