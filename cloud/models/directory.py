"""The campus's directory: people, groups, tariffs, id tags, and who of them is needed at which site.

These belong to the campus, so most carry no site; what a site is given of them is in `models.published`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.models.tables import Table


class TariffRow(Table):
    """What charging costs."""

    __tablename__ = "tariff"

    tariff: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    currency: Mapped[str]
    price_per_kwh: Mapped[str]
    price_per_session: Mapped[str]
    price_per_idle_minute: Mapped[str]
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    changed_at: Mapped[datetime]


class GroupRow(Table):
    """Who may charge where, and under which tariff."""

    __tablename__ = "directory_group"

    group: Mapped[str] = mapped_column("group_id", primary_key=True)
    name: Mapped[str]
    tariff: Mapped[str | None] = mapped_column(ForeignKey("tariff.tariff"), index=True)
    changed_at: Mapped[datetime]


class GroupSiteRow(Table):
    """A group is granted a site."""

    __tablename__ = "group_site"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    group: Mapped[str] = mapped_column("group_id", ForeignKey("directory_group.group_id"), primary_key=True, index=True)


class PersonRow(Table):
    """Somebody who charges, known by an opaque id."""

    __tablename__ = "person"

    person: Mapped[str] = mapped_column(primary_key=True)
    display_name: Mapped[str | None]
    changed_at: Mapped[datetime]


class PersonGroupRow(Table):
    """A person belongs to a group."""

    __tablename__ = "person_group"

    person: Mapped[str] = mapped_column(ForeignKey("person.person"), primary_key=True)
    group: Mapped[str] = mapped_column("group_id", ForeignKey("directory_group.group_id"), primary_key=True, index=True)


class IdTagRow(Table):
    """An id tag. A removed one leaves its row, so that its versions go on where they were."""

    __tablename__ = "id_tag"

    key: Mapped[str] = mapped_column(primary_key=True)
    """In lower case: id tags compare without regard to case."""
    id_tag: Mapped[str]
    status: Mapped[str | None]
    """`None`: removed."""
    status_since: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    parent_id_tag: Mapped[str | None]
    person: Mapped[str | None] = mapped_column(ForeignKey("person.person"), index=True)
    note: Mapped[str | None]
    version: Mapped[int]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    """An operator's key, or `edge <site>: <who>`."""


Index(None, IdTagRow.status)


class IdTagGroupRow(Table):
    """An id tag that is nobody's in particular belongs to a group."""

    __tablename__ = "id_tag_group"

    key: Mapped[str] = mapped_column(ForeignKey("id_tag.key"), primary_key=True)
    group: Mapped[str] = mapped_column("group_id", ForeignKey("directory_group.group_id"), primary_key=True, index=True)


class IdTagSiteRow(Table):
    """An id tag is granted a site by itself, for example because it was added at that site's own console."""

    __tablename__ = "id_tag_site"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    key: Mapped[str] = mapped_column(ForeignKey("id_tag.key"), primary_key=True, index=True)


class SitePolicyRow(Table):
    """What a site does about id tags while its edge hears nothing of the cloud. No row: the defaults."""

    __tablename__ = "site_policy"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    offline: Mapped[str]
    unknown_limit_wh: Mapped[int]
    stale_after_s: Mapped[int]
    show_names: Mapped[bool]
    changed_at: Mapped[datetime]


class IdTagConflictRow(Table):
    """An edge had changed an id tag that was changed here, too: both, and which of them holds."""

    __tablename__ = "id_tag_conflict"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    conflict: Mapped[UUID] = mapped_column(primary_key=True)
    """That of the event that told of the edge's change."""
    key: Mapped[str]
    at: Mapped[datetime]
    kept: Mapped[dict[str, Any]]
    discarded: Mapped[dict[str, Any]]


Index(None, IdTagConflictRow.at, IdTagConflictRow.conflict)
Index(None, IdTagConflictRow.key, IdTagConflictRow.at)
