"""Alarms, as their sites raised and cleared them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.models.tables import Table


class AlarmRow(Table):
    """One alarm. One that was cleared before its raising arrived has no `raised_at` yet."""

    __tablename__ = "alarm"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    alarm: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    charge_point: Mapped[str | None]
    """`None`: the site itself."""
    detail: Mapped[str]
    raised_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]
    """`None`: it stands."""
    ordered_at: Mapped[datetime]
    """What lists are sorted by: when it was raised, or cleared as long as that is all that is known."""


Index(None, AlarmRow.ordered_at, AlarmRow.site_id, AlarmRow.alarm)
Index(None, AlarmRow.site_id, AlarmRow.ordered_at, AlarmRow.alarm)
Index(None, AlarmRow.site_id, AlarmRow.charge_point, AlarmRow.ordered_at)
