"""What the edges say of their days."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cloud.models.tables import Table


class DayDigestRow(Table):
    """How a day stood at the edge when it last told."""

    __tablename__ = "day_digest"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    """Under which `ledger_seq` counts."""
    ledger_seq: Mapped[int]
    transactions: Mapped[int]
    energy_wh: Mapped[int]
    without_energy: Mapped[int]
    hash: Mapped[str]
    digested_at: Mapped[datetime]
    """By the edge's clock."""
