"""The newest of each connector."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cloud.models.tables import Table


class LiveConnectorRow(Table):
    """What a connector last said and measured. Overwritten again and again; history is elsewhere."""

    __tablename__ = "live_connector"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    charge_point: Mapped[str] = mapped_column(primary_key=True)
    connector_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str | None]
    error_code: Mapped[str | None]
    status_at: Mapped[datetime | None]
    transaction: Mapped[UUID | None]
    sampled_at: Mapped[datetime | None]
    samples: Mapped[list[dict[str, Any]] | None]
    heard_at: Mapped[datetime]
    """By the cloud's clock."""
