"""The SQL of enrolment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from cloud.db.database import Unit
from cloud.errors import UnknownSiteError
from cloud.models.access import AccessEventRow, BrokerLoginRow, EdgeKeyRow, EnrolmentTokenRow
from cloud.models.sites import EdgeRow, incarnation_for


def lock_edge(unit: Unit, edge: str) -> EdgeRow:
    """The edge's row, locked: changes of who may speak for it come one after the other.

    Raises:
        UnknownSiteError: there is none.
    """
    row = unit.scalar(select(EdgeRow).where(EdgeRow.site_id == edge).with_for_update(key_share=True))
    if row is None:
        raise UnknownSiteError(f"There is no site {edge}.", hint="Add it with: gardu-cloud add-site")
    return row


def incarnation(unit: Unit, site: str) -> UUID:
    """Which cloud database this is to the edge of a site."""
    return unit.scalars(incarnation_for(site)).one()


def token(unit: Unit, identity: str) -> EnrolmentTokenRow | None:
    """A token by its name."""
    return unit.scalar(select(EnrolmentTokenRow).where(EnrolmentTokenRow.token == identity))


def tokens(unit: Unit, site: str) -> Sequence[EnrolmentTokenRow]:
    """Those of a site, newest first."""
    row = EnrolmentTokenRow
    return unit.scalars(select(row).where(row.site_id == site).order_by(row.created_at.desc(), row.token)).all()


def key(unit: Unit, edge: str, key_id: str) -> EdgeKeyRow | None:
    """A key of an edge."""
    return unit.get(EdgeKeyRow, (edge, key_id))


def keys(unit: Unit, edge: str) -> Sequence[EdgeKeyRow]:
    """All keys that an edge ever had, newest first."""
    row = EdgeKeyRow
    return unit.scalars(select(row).where(row.site_id == edge).order_by(row.created_at.desc(), row.key_id)).all()


def set_broker_login(unit: Unit, edge: str, line: str, now: datetime) -> None:
    """Give an edge another password at the broker."""
    unit.merge(BrokerLoginRow(site_id=edge, hash=line, changed_at=now))


def end_broker_login(unit: Unit, edge: str) -> None:
    """Take an edge's password at the broker away."""
    if (row := unit.get(BrokerLoginRow, edge)) is not None:
        unit.delete(row)


def broker_logins(unit: Unit) -> Sequence[BrokerLoginRow]:
    """All, by edge."""
    return unit.scalars(select(BrokerLoginRow).order_by(BrokerLoginRow.site_id)).all()


def access_events(unit: Unit, site: str, after: UUID | None, limit: int) -> Sequence[AccessEventRow]:
    """Up to `limit`, newest first, older than the event `after`."""
    row = AccessEventRow
    query = select(row).where(row.site_id == site)
    if after is not None:
        query = query.where(row.event < after)
    return unit.scalars(query.order_by(row.event.desc()).limit(limit)).all()


def end_unused_tokens(unit: Unit, site: str, now: datetime) -> None:
    """Revoke all tokens of a site with which nobody has enrolled."""
    row = EnrolmentTokenRow
    unit.execute(
        update(row).where(row.site_id == site, row.used_at.is_(None), row.revoked_at.is_(None)).values(revoked_at=now)
    )
