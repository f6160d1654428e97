"""Who may speak: the keys of edges, and the secrets of machines as salted SHA-256; and who was let in when."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

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


class EdgeKeyRow(Table):
    """A public key of an edge. Two are good while one takes the other's place."""

    __tablename__ = "edge_key"

    site_id: Mapped[str] = mapped_column(ForeignKey("edge.site_id"), primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    """Its thumbprint."""
    public_key: Mapped[dict[str, Any]]
    """As JWK."""
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    """Roughly; `None`: never."""
    revoked_at: Mapped[datetime | None]
    revoked_why: Mapped[str | None]


class EnrolmentTokenRow(Table):
    """A token with which one edge can become known, once."""

    __tablename__ = "enrolment_token"

    site_id: Mapped[str] = mapped_column(ForeignKey("edge.site_id"), primary_key=True)
    token: Mapped[str] = mapped_column(primary_key=True, unique=True)
    """The part of the token that is not secret."""
    salt: Mapped[bytes]
    digest: Mapped[bytes]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_key: Mapped[str | None]
    """Of the key that was registered with it."""
    revoked_at: Mapped[datetime | None]


class BrokerLoginRow(Table):
    """What the MQTT broker is told about an edge's password."""

    __tablename__ = "broker_login"

    site_id: Mapped[str] = mapped_column(ForeignKey("edge.site_id"), primary_key=True)
    hash: Mapped[str]
    """As Mosquitto's password file has it, behind the user's name."""
    changed_at: Mapped[datetime]


class AccessEventRow(Table):
    """Something that changed who may speak for a site."""

    __tablename__ = "access_event"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    event: Mapped[UUID] = mapped_column(primary_key=True)
    """Version 7: they are in the order of time."""
    at: Mapped[datetime]
    kind: Mapped[str]
    actor: Mapped[str]
    """The operator's key, the machine's own command line, or the edge."""
    detail: Mapped[str]


class ApiKeyRow(Table):
    """An operator's key. It belongs to the campus, so it carries no site."""

    __tablename__ = "api_key"

    key: Mapped[str] = mapped_column(primary_key=True)
    """The part of the key that is not secret."""
    name: Mapped[str] = mapped_column(unique=True)
    salt: Mapped[bytes]
    digest: Mapped[bytes]
    created_at: Mapped[datetime]
