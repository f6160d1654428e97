"""The site's directory of id tags. What is changed here takes effect at once and travels to the cloud as an event."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AfterValidator, StringConstraints, ValidatorFunctionWrapHandler, WrapValidator

from contract.events import IdTagChanged
from contract.model import Record, UtcDatetime
from contract.resources import IdTag, Page
from edge.api import paging
from edge.api.collaborators import AskedBy, Here
from edge.api.problems import documented, invalid, not_found
from edge.api.segments import IdTagName
from edge.domain.authorisation import DirectoryEntry
from edge.store import id_tags as store
from edge.store import upkeep_tasks
from edge.store.writer import WriteTx

MAX_ID_TAG = 20
"""OCPP 1.6 ed. 2 §7.28 "IdToken": CiString20Type."""

router = APIRouter(prefix="/api/v1/id-tags", tags=["Id tags"])


def _printable(text: str) -> str:
    if not _is_id_tag(text):
        raise ValueError(f"an id tag has 1 to {MAX_ID_TAG} printable ASCII characters")
    return text


def _within_calendar(value: object, read: ValidatorFunctionWrapHandler) -> object:
    try:
        return read(value)
    except OverflowError:
        raise ValueError("this instant lies outside the calendar when written in UTC") from None


def _is_id_tag(text: str) -> bool:
    return 1 <= len(text) <= MAX_ID_TAG and text.isascii() and text.isprintable()


class IdTagStatus(StrEnum):
    """What the directory may say of an id tag. ConcurrentTx is decided per transaction, never stored."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"


class IdTagEntry(Record):
    """What an operator decides about an id tag."""

    status: IdTagStatus
    expires_at: Annotated[UtcDatetime, WrapValidator(_within_calendar)] | None = None
    """From then on it is answered Expired. `None`: it does not expire."""
    parent_id_tag: Annotated[str, AfterValidator(_printable)] | None = None
    """Id tags of one parent may stop each other's transactions."""
    note: Annotated[str, StringConstraints(max_length=500)] | None = None
    """Free text for the operator."""


@router.get("", summary="List the id tags of the site", responses=documented(422))
async def list_id_tags(here: Here, limit: paging.Limit = 100, cursor: paging.Cursor = None) -> Page[IdTag]:
    """Sorted, without regard to case."""
    place = paging.read(cursor, "id-tags", str)
    found = await here.readers.run(
        lambda connection: store.page(connection, after=place[0] if place else "", limit=limit + 1)
    )
    rows, following = paging.cut(found, limit, lambda row: paging.write("id-tags", row.entry.id_tag))
    return Page(items=[_resource(row) for row in rows], next_cursor=following)


@router.get("/{id_tag}", summary="Show an id tag", responses=documented(404))
async def show_id_tag(here: Here, id_tag: IdTagName) -> IdTag:
    """As the directory holds it."""
    row = await here.readers.run(lambda connection: store.read(connection, id_tag))
    if row is None:
        raise not_found("id tag", id_tag)
    return _resource(row)


@router.put(
    "/{id_tag}",
    summary="Add or replace an id tag",
    responses={201: {"model": IdTag, "description": "It is new."}, **documented(400, 413, 415, 422)},
)
async def put_id_tag(here: Here, asked_by: AskedBy, id_tag: IdTagName, entry: IdTagEntry, response: Response) -> IdTag:
    """Counts from the next Authorize or StartTransaction on."""
    if not _is_id_tag(id_tag):
        raise invalid("id_tag", f"an id tag has 1 to {MAX_ID_TAG} printable ASCII characters")
    tag = store.IdTag(DirectoryEntry(id_tag, entry.status, entry.expires_at, entry.parent_id_tag), entry.note)

    def put(tx: WriteTx) -> tuple[bool, store.IdTag]:
        now = here.clock.now()
        base = store.base_version(tx.connection, id_tag)
        new = store.put(tx.connection, tag, now)
        upkeep_tasks.ring_directory(tx.connection, now, refused=entry.status is not IdTagStatus.ACCEPTED)
        kept = store.read(tx.connection, id_tag) or tag  # spelled as it was when it was new
        event = IdTagChanged(
            id_tag=kept.entry.id_tag,
            status=entry.status,
            expires_at=entry.expires_at,
            parent_id_tag=entry.parent_id_tag,
            changed_by=asked_by,
            base_version=base,
        )
        tx.emit(event, subject=f"id-tag/{kept.entry.id_tag}", occurred_at=now)
        return new, kept

    new, kept = await here.writer.run(put)
    response.status_code = 201 if new else 200
    return _resource(kept)


@router.delete("/{id_tag}", summary="Remove an id tag", status_code=204, responses=documented(404))
async def delete_id_tag(here: Here, asked_by: AskedBy, id_tag: IdTagName) -> None:
    """It is answered Invalid from now on. Its transactions stay."""

    def delete(tx: WriteTx) -> None:
        known = store.read(tx.connection, id_tag)
        if known is None:
            raise not_found("id tag", id_tag)
        name, now = known.entry.id_tag, here.clock.now()
        base = store.base_version(tx.connection, name)
        store.delete(tx.connection, name)
        upkeep_tasks.ring_directory(tx.connection, now, refused=True)
        event = IdTagChanged(id_tag=name, status=None, changed_by=asked_by, base_version=base)
        tx.emit(event, subject=f"id-tag/{name}", occurred_at=now)

    await here.writer.run(delete)


def _resource(row: store.IdTag) -> IdTag:
    return IdTag(
        id_tag=row.entry.id_tag,
        status=row.entry.status,
        expires_at=row.entry.expires_at,
        parent_id_tag=row.entry.parent_id_tag,
        note=row.note,
    )
