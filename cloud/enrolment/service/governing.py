"""What operators do: issue, list and revoke tokens, see keys, shut an edge out, and read who was let in when."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cloud.auth import repository as access
from cloud.auth.secrets import id_of
from cloud.auth.service import TOKEN_LIFE, issue_enrolment_token
from cloud.db.database import Database
from cloud.db.paging import page_of
from cloud.enrolment import repository
from cloud.enrolment.schemas import AccessEvent, EdgeKey, EdgeRevoked, EnrolmentToken, NewEnrolmentToken
from cloud.errors import NotFoundError
from cloud.models.access import AccessEventRow
from contract.jws import PublicKey
from contract.resources import Page


def issue_token(database: Database, site: str, by: str, now: datetime) -> NewEnrolmentToken:
    """Make a token for a site's edge.

    Raises:
        UnknownSiteError: there is no such site.
    """
    with database.write() as unit:
        repository.lock_edge(unit, site)
        secret = issue_enrolment_token(unit, site, by, now)
    return NewEnrolmentToken(site=site, token=id_of(secret, "enrol") or "", secret=secret, expires_at=now + TOKEN_LIFE)


def tokens(database: Database, site: str) -> list[EnrolmentToken]:
    """The tokens of a site, newest first."""
    with database.read() as unit:
        rows = repository.tokens(unit, site)
    return [
        EnrolmentToken(
            site=row.site_id,
            token=row.token,
            created_at=row.created_at,
            created_by=row.created_by,
            expires_at=row.expires_at,
            used_at=row.used_at,
            used_key=row.used_key,
            revoked_at=row.revoked_at,
        )
        for row in rows
    ]


def revoke_token(database: Database, site: str, token: str, by: str, now: datetime) -> None:
    """End a token. Harmless when repeated; an edge that has enrolled with it stays enrolled.

    Raises:
        NotFoundError: the site has no such token.
    """
    with database.write() as unit:
        row = repository.token(unit, token)
        if row is None or row.site_id != site:
            raise NotFoundError(f"Site {site} has no token {token}.", hint="List them: gardu-cloud enrolment-tokens")
        if row.revoked_at is None:
            row.revoked_at = now
            access.record(unit, site, "token-revoked", by, f"token {token}", now)


def keys(database: Database, edge: str) -> list[EdgeKey]:
    """All keys that an edge ever had, newest first."""
    with database.read() as unit:
        rows = repository.keys(unit, edge)
    return [
        EdgeKey(
            edge=row.site_id,
            key_id=row.key_id,
            algorithm=PublicKey.model_validate(row.public_key).algorithm,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
            revoked_why=row.revoked_why,
        )
        for row in rows
    ]


def revoke_edge(database: Database, edge: str, reason: str, by: str, now: datetime) -> EdgeRevoked:
    """Shut an edge out, with its keys, secret, unused tokens and password at the broker. It goes on charging.

    Raises:
        UnknownSiteError: there is no such edge.
    """
    with database.write() as unit:
        row = repository.lock_edge(unit, edge)
        if row.revoked_at is None:
            row.revoked_at, row.revoked_why = now, reason
        access.end_credentials(unit, edge, None, f"the edge was shut out: {reason}", now)
        repository.end_unused_tokens(unit, edge, now)
        repository.end_broker_login(unit, edge)
        access.record(unit, edge, "edge-revoked", by, reason, now)
        return EdgeRevoked(edge=edge, revoked_at=row.revoked_at, reason=row.revoked_why or reason)


def access_log(database: Database, site: str, after: UUID | None, limit: int) -> Page[AccessEvent]:
    """One page, newest first."""
    with database.read() as unit:
        rows = repository.access_events(unit, site, after, limit + 1)

    def item(row: AccessEventRow) -> AccessEvent:
        return AccessEvent(
            event=row.event, site=row.site_id, at=row.at, kind=row.kind, actor=row.actor, detail=row.detail
        )

    return page_of(rows, limit, key=lambda row: (row.event,), item=item)
