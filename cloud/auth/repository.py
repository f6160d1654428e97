"""The SQL of access."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from cloud.auth.secrets import Issued
from cloud.db.database import Unit
from cloud.models.access import ApiKeyRow, EdgeCredentialRow


def edge_credential(unit: Unit, credential: str) -> EdgeCredentialRow | None:
    """An edge's secret by its id."""
    return unit.scalar(select(EdgeCredentialRow).where(EdgeCredentialRow.credential == credential))


def api_key(unit: Unit, key: str) -> ApiKeyRow | None:
    """An operator's key by its id."""
    return unit.get(ApiKeyRow, key)


def api_key_named(unit: Unit, name: str) -> ApiKeyRow | None:
    """An operator's key by its name."""
    return unit.scalar(select(ApiKeyRow).where(ApiKeyRow.name == name))


def add_api_key(unit: Unit, name: str, issued: Issued, now: datetime) -> None:
    """Store a key."""
    unit.add(ApiKeyRow(key=issued.id, name=name, salt=issued.salt, digest=issued.digest, created_at=now))


def add_edge_credential(unit: Unit, site: str, issued: Issued, now: datetime) -> None:
    """Store an edge's secret."""
    unit.add(
        EdgeCredentialRow(site_id=site, credential=issued.id, salt=issued.salt, digest=issued.digest, created_at=now)
    )
