"""The SQL of access."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update
from uuid_utils.compat import uuid7

from cloud.auth.secrets import Issued
from cloud.db.database import Unit
from cloud.models.access import AccessEventRow, ApiKeyRow, EdgeCredentialRow, EdgeKeyRow, EnrolmentTokenRow
from cloud.models.sites import EdgeRow


class Standing(NamedTuple):
    """What is known of an edge, and of what it shows."""

    edge: EdgeRow
    key: EdgeKeyRow | None


class Holder(NamedTuple):
    """Whose a secret is."""

    secret: EdgeCredentialRow
    edge: EdgeRow


def standing(unit: Unit, edge: str, key_id: str) -> Standing | None:
    """An edge, and its key of that name; `None`: no such edge. One look-up by primary key."""
    same = (EdgeKeyRow.site_id == EdgeRow.site_id) & (EdgeKeyRow.key_id == key_id)
    row = unit.execute(
        select(EdgeRow, EdgeKeyRow).outerjoin(EdgeKeyRow, same).where(EdgeRow.site_id == edge)
    ).one_or_none()
    return Standing(row[0], row[1]) if row is not None else None


def holder(unit: Unit, credential: str) -> Holder | None:
    """The edge whose secret has this id."""
    row = unit.execute(
        select(EdgeCredentialRow, EdgeRow)
        .join(EdgeRow, EdgeRow.site_id == EdgeCredentialRow.site_id)
        .where(EdgeCredentialRow.credential == credential)
    ).one_or_none()
    return Holder(row[0], row[1]) if row is not None else None


def edge_without_keys(unit: Unit, edge: str) -> EdgeRow | None:
    """An edge that was never enrolled; `None`: it was, or does not exist."""
    enrolled = select(EdgeKeyRow.key_id).where(EdgeKeyRow.site_id == edge).exists()
    return unit.scalar(select(EdgeRow).where(EdgeRow.site_id == edge, ~enrolled))


def note_heard(unit: Unit, edge: str, now: datetime) -> None:
    """Note that an edge was heard, unless somebody is writing its row at this moment, who will note it too."""
    row = EdgeRow
    free = select(row.site_id).where(row.site_id == edge).with_for_update(key_share=True, skip_locked=True)
    unit.execute(
        update(row)
        .where(row.site_id == free.scalar_subquery())
        .values(last_heard_at=now)
        .execution_options(synchronize_session=False)
    )


def note_used(unit: Unit, edge: str, key_id: str, now: datetime) -> bool:
    """Note that a key was used; returns whether it was the first time."""
    row = EdgeKeyRow
    mine = (row.site_id == edge) & (row.key_id == key_id)
    first = unit.execute(update(row).where(mine, row.last_used_at.is_(None)).values(last_used_at=now))
    if rowcount(first):
        return True
    unit.execute(update(row).where(mine).values(last_used_at=now))
    return False


def end_credentials(unit: Unit, edge: str, but: str | None, why: str, now: datetime) -> int:
    """End all keys of an edge but one, and its secrets; returns how many."""
    secrets = rowcount(unit.execute(delete(EdgeCredentialRow).where(EdgeCredentialRow.site_id == edge)))
    row = EdgeKeyRow
    others = [row.site_id == edge, row.revoked_at.is_(None)] + ([] if but is None else [row.key_id != but])
    return secrets + rowcount(unit.execute(update(row).where(*others).values(revoked_at=now, revoked_why=why)))


def rowcount(result: Any) -> int:  # noqa: ANN401 - the library's result of an UPDATE
    """How many rows a statement changed."""
    return int(result.rowcount)


def api_key(unit: Unit, key: str) -> ApiKeyRow | None:
    """An operator's key by its id."""
    return unit.get(ApiKeyRow, key)


def add_api_key(unit: Unit, name: str, issued: Issued, now: datetime) -> None:
    """Store a key."""
    unit.add(ApiKeyRow(key=issued.id, name=name, salt=issued.salt, digest=issued.digest, created_at=now))


def add_edge_credential(unit: Unit, site: str, issued: Issued, now: datetime) -> None:
    """Store an edge's secret."""
    unit.add(
        EdgeCredentialRow(site_id=site, credential=issued.id, salt=issued.salt, digest=issued.digest, created_at=now)
    )


def add_enrolment_token(unit: Unit, site: str, issued: Issued, by: str, now: datetime, expires_at: datetime) -> None:
    """Store a one-time token."""
    unit.add(
        EnrolmentTokenRow(
            site_id=site,
            token=issued.id,
            salt=issued.salt,
            digest=issued.digest,
            created_at=now,
            created_by=by,
            expires_at=expires_at,
        )
    )


def record(unit: Unit, site: str, kind: str, actor: str, detail: str, now: datetime) -> None:
    """Keep for ever that access changed."""
    unit.add(AccessEventRow(site_id=site, event=uuid7(), at=now, kind=kind, actor=actor, detail=detail))
