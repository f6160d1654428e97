"""The SQL of access."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from cloud.auth.secrets import Issued
from cloud.db.database import Unit
from cloud.models.access import ApiKeyRow, EdgeCredentialRow
from cloud.models.sites import EdgeRow


def edge_credential(unit: Unit, credential: str) -> EdgeCredentialRow | None:
    """An edge's secret by its id."""
    return unit.scalar(select(EdgeCredentialRow).where(EdgeCredentialRow.credential == credential))


def note_heard(unit: Unit, edge: str, now: datetime) -> None:
    """Note that an edge was heard, unless somebody is writing its row at this moment, who will note it too."""
    row = EdgeRow
    free = unit.scalar(select(row).where(row.site_id == edge).with_for_update(key_share=True, skip_locked=True))
    if free is not None:
        free.last_heard_at = now


def last_heard(unit: Unit, edge: str) -> datetime | None:
    """When an edge was last heard."""
    return unit.scalar(select(EdgeRow.last_heard_at).where(EdgeRow.site_id == edge))


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
