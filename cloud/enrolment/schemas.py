"""Tokens, keys and the log of access as the API shows them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from contract.model import Record, UtcDatetime


class NewEnrolmentToken(Record):
    """A token that was just made. `secret` is shown this once."""

    site: str
    token: str
    """Its name: the part that is not secret."""
    secret: str
    """What the edge is given."""
    expires_at: UtcDatetime


class EnrolmentToken(Record):
    """A token, without what is secret about it."""

    site: str
    token: str
    created_at: UtcDatetime
    created_by: str
    expires_at: UtcDatetime
    used_at: UtcDatetime | None
    used_key: str | None
    """The key that was registered with it."""
    revoked_at: UtcDatetime | None


class EdgeKey(Record):
    """A public key of an edge."""

    edge: str
    key_id: str
    algorithm: str
    created_at: UtcDatetime
    last_used_at: UtcDatetime | None
    """Roughly; `None`: never."""
    revoked_at: UtcDatetime | None
    revoked_why: str | None


class AccessEvent(Record):
    """Something that changed who may speak for a site."""

    event: UUID
    site: str
    at: UtcDatetime
    kind: str
    """token-issued, token-revoked, enrolled, key-registered, key-replaced or edge-revoked."""
    actor: str
    detail: str


class Revocation(Record):
    """Shuts an edge out."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
    """In a few words; the edge is told it."""


class EdgeRevoked(Record):
    """The edge is shut out."""

    edge: str
    revoked_at: UtcDatetime
    reason: str
