"""Who may speak: the secrets of edges and of operators' programs, as salted SHA-256."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cloud.models.tables import Table


class EdgeCredentialRow(Table):
    """A secret of an edge. More than one while it is being rotated."""

    __tablename__ = "edge_credential"

    site_id: Mapped[str] = mapped_column(ForeignKey("edge.site_id"), primary_key=True)
    credential: Mapped[str] = mapped_column(primary_key=True, unique=True)
    """The part of the secret that is not secret."""
    salt: Mapped[bytes]
    digest: Mapped[bytes]
    created_at: Mapped[datetime]


class ApiKeyRow(Table):
    """An operator's key. It belongs to the campus, so it carries no site."""

    __tablename__ = "api_key"

    key: Mapped[str] = mapped_column(primary_key=True)
    """The part of the key that is not secret."""
    name: Mapped[str] = mapped_column(unique=True)
    salt: Mapped[bytes]
    digest: Mapped[bytes]
    created_at: Mapped[datetime]
