"""What each site is given of the directory: versioned sets, and what its edge says it has applied."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.models.tables import Table


class PublishedSetRow(Table):
    """One set of one site. Its row lock orders the versions."""

    __tablename__ = "published_set"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    set: Mapped[str] = mapped_column("set_name", primary_key=True)
    version: Mapped[int]
    floor: Mapped[int]
    """Who has less than this version takes a snapshot: what was removed before is forgotten."""
    hash: Mapped[str]
    entries: Mapped[int]
    changed_at: Mapped[datetime]


class PublishedEntryRow(Table):
    """One entry as it is, with the version that last changed it. A removed one stays for a while, without content."""

    __tablename__ = "published_entry"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    set: Mapped[str] = mapped_column("set_name", primary_key=True)
    key: Mapped[str] = mapped_column("entry_key", primary_key=True)
    version: Mapped[int]
    urgent: Mapped[bool]
    """It may charge less than before, or not at all: it goes down first."""
    content: Mapped[dict[str, Any] | None]
    own_version: Mapped[int]
    """Of an id tag: its own version."""
    changed_at: Mapped[datetime]


Index(None, PublishedEntryRow.site_id, PublishedEntryRow.set, PublishedEntryRow.version)


class AppliedSetRow(Table):
    """What an edge last said of a set that it holds."""

    __tablename__ = "applied_set"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    set: Mapped[str] = mapped_column("set_name", primary_key=True)
    incarnation: Mapped[UUID]
    version: Mapped[int]
    hash: Mapped[str]
    entries: Mapped[int]
    how: Mapped[str]
    applied_at: Mapped[datetime]
    """By the edge's clock."""
    received_at: Mapped[datetime]
