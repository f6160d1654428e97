"""What edges changed by themselves. The last writer by version wins; what is turned down is kept to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloud.db.database import Unit
from cloud.directory.repository import campus
from cloud.directory.schemas import is_id_tag
from cloud.directory.service.id_tags import forget, set_status
from cloud.directory.service.publishing import Touched, publish
from cloud.models.directory import IdTagConflictRow, IdTagRow
from cloud.models.received import Received
from contract.directory import IdTagStatus, key_of_id_tag
from contract.events import IdTagChanged

_ROOM = 1_000_000
"""How far an edge's version may be ahead of ours: a cloud that was restored has lost some."""
_HIGHEST_VERSION = 2**53


def take(unit: Unit, events: Sequence[Received[IdTagChanged]]) -> None:
    """Take changes, or turn down those whose id tag was changed here since; tell the site which.

    The edge holds on to its change until it hears a version that is as high as the one that it expected.

    Raises:
        ValueError: one is no id tag, or its status is none, or no version of ours can have been the one it changed.
    """
    campus.lock(unit)
    keys = {_take(unit, event) for event in events}
    first = events[0]
    publish(unit, Touched(id_tags=set(keys), verdicts={(first.site, key) for key in keys}), first.received_at)


def _take(unit: Unit, event: Received[IdTagChanged]) -> str:
    data = event.data
    if not is_id_tag(data.id_tag):
        raise ValueError(f"{data.id_tag!r} is no id tag")
    status = None if data.status is None else IdTagStatus(data.status)
    key = key_of_id_tag(data.id_tag)
    row = campus.one(unit, IdTagRow, key)
    version = 0 if row is None else row.version
    base = version if data.base_version is None else data.base_version
    if not 0 <= base <= min(version + _ROOM, _HIGHEST_VERSION):
        raise ValueError(f"version {base} of an id tag that has version {version}")
    if row is None:
        row = _new_row(unit, event, key)
    wins = base >= row.version
    if wins:
        _write(unit, row, event, status)
        row.version = max(base, row.version) + 1
    elif _known(row) != _told(data):
        _note_conflict(unit, row, event)
    if (wins or base == 0) and row.status is not None:  # a card that the site did not know yet was added there
        unit.flush()
        campus.grant_site(unit, event.site, key)
    unit.flush()
    return key


def _new_row(unit: Unit, event: Received[IdTagChanged], key: str) -> IdTagRow:
    row = IdTagRow(
        key=key,
        id_tag=event.data.id_tag,
        status=None,
        status_since=event.envelope.occurred_at,
        version=0,
        changed_at=event.received_at,
        changed_by=_who(event),
    )
    unit.add(row)
    return row


def _write(unit: Unit, row: IdTagRow, event: Received[IdTagChanged], status: IdTagStatus | None) -> None:
    if status is None:
        forget(unit, row, _who(event), event.received_at)
        return
    set_status(row, status, event.envelope.occurred_at)
    row.expires_at, row.parent_id_tag = event.data.expires_at, event.data.parent_id_tag
    row.changed_at, row.changed_by = event.received_at, _who(event)


def _note_conflict(unit: Unit, row: IdTagRow, event: Received[IdTagChanged]) -> None:
    more = {"changed_by": row.changed_by, "changed_at": row.changed_at.isoformat(), "version": row.version}
    theirs = {
        "changed_by": event.data.changed_by,
        "changed_at": event.envelope.occurred_at.isoformat(),
        "base_version": event.data.base_version,
    }
    unit.merge(
        IdTagConflictRow(
            site_id=event.site,
            conflict=event.envelope.id,
            key=row.key,
            at=event.received_at,
            kept=_known(row) | {"id_tag": row.id_tag} | more,
            discarded=_told(event.data) | {"id_tag": event.data.id_tag} | theirs,
        )
    )


def _known(row: IdTagRow) -> dict[str, Any]:
    expires_at = None if row.expires_at is None else row.expires_at.isoformat()
    return {"status": row.status, "expires_at": expires_at, "parent_id_tag": row.parent_id_tag}


def _told(data: IdTagChanged) -> dict[str, Any]:
    expires_at = None if data.expires_at is None else data.expires_at.isoformat()
    return {"status": data.status, "expires_at": expires_at, "parent_id_tag": data.parent_id_tag}


def _who(event: Received[IdTagChanged]) -> str:
    return f"edge {event.site}: {event.data.changed_by}"
