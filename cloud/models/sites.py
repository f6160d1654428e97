"""Sites, the edges that serve them, and this database's own identity."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Select, func, select
from sqlalchemy.orm import Mapped, mapped_column

from cloud.models.tables import Table


class InstanceRow(Table):
    """One row: which cloud database this is. A restore makes a new incarnation."""

    __tablename__ = "instance"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    incarnation: Mapped[UUID]
    created_at: Mapped[datetime]


class SiteRow(Table):
    """One building. Its row lock orders everything that is done to the site's commands."""

    __tablename__ = "site"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime]
    last_command_number: Mapped[int] = mapped_column(default=0)
    """The highest number given in the sequence that the edge pulls."""


class EdgeRow(Table):
    """The edge of a site; its id is the site's. Its row lock orders everything that the edge sends."""

    __tablename__ = "edge"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(default=1)
    store_id: Mapped[UUID | None]
    """The edge's database; `None` until it greets for the first time."""
    boot_id: Mapped[str | None]
    software_version: Mapped[str | None]
    greeted_at: Mapped[datetime | None]
    last_heard_at: Mapped[datetime | None]
    locked_at: Mapped[datetime | None]
    """Since when nothing is taken from this edge: two spoke for the site. `None`: it may speak."""
    locked_why: Mapped[str | None]
    """In plain words, for the edge's own status and for an operator."""
    revoked_at: Mapped[datetime | None]
    """Since when nothing that it sends is taken; `None`: it is welcome. A new enrolment ends it."""
    revoked_why: Mapped[str | None]
    incarnation: Mapped[UUID | None]
    """What the database is to this edge, since it remembered more than is there; `None`: what it is to all."""


class EdgeEpochRow(Table):
    """Who speaks under which epoch, and why it was granted: one that was superseded is not believed again."""

    __tablename__ = "edge_epoch"

    site_id: Mapped[str] = mapped_column(ForeignKey("edge.site_id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    store_id: Mapped[UUID]
    granted_at: Mapped[datetime]
    why: Mapped[str | None]
    """`first`, `re-imaged`, `restored`, `chosen` or `remembered`; `None`: from before it was noted."""
    from_epoch: Mapped[int | None]
    """The epoch whose past it shares up to its forks; `None`: none, it began with number 1."""
    claim: Mapped[UUID | None]
    """What the edge asked with: the same claim is answered with the same grant."""
    boot_id: Mapped[str | None]
    """Of the machine that it was granted to."""
    refused_at: Mapped[datetime | None]
    """An operator let another one go on: whoever speaks under this epoch is turned away."""
    chosen_at: Mapped[datetime | None]
    """An operator let this one go on: its next greeting is granted an epoch."""


def incarnation_for(site: str) -> Select[UUID]:
    """Which cloud database this is to the edge of a site."""
    known = func.coalesce(EdgeRow.incarnation, InstanceRow.incarnation)
    return select(known).select_from(InstanceRow).outerjoin(EdgeRow, EdgeRow.site_id == site)
