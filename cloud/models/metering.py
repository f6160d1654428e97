"""Meter values: the bulk of all rows. Keyed by the number of the event that brought them, so none is there twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.models.tables import Table


class MeterValueRow(Table):
    """The samples of one instant. No foreign key: it would cost a look-up per row, and parts arrive in any order."""

    __tablename__ = "meter_value"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """The place within its event."""
    charge_point: Mapped[str]
    connector_id: Mapped[int]
    transaction: Mapped[UUID | None]
    sampled_at: Mapped[datetime]
    samples: Mapped[list[dict[str, Any]]]
    received_at: Mapped[datetime]
    """When the cloud took it. PostgreSQL keeps a partition for each month of it."""


Index(None, MeterValueRow.sampled_at)
Index(None, MeterValueRow.site_id, MeterValueRow.charge_point, MeterValueRow.sampled_at)
Index(None, MeterValueRow.transaction, MeterValueRow.sampled_at)
