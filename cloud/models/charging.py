"""Charge points, their connectors, and charging transactions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.models.tables import Table


class ChargePointRow(Table):
    """A charge point, as its site last described it."""

    __tablename__ = "charge_point"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    charge_point: Mapped[str] = mapped_column(primary_key=True)
    connected: Mapped[bool]
    registration_status: Mapped[str]
    vendor: Mapped[str | None]
    model: Mapped[str | None]
    serial_number: Mapped[str | None]
    firmware_version: Mapped[str | None]
    last_seen_at: Mapped[datetime | None]


class ConnectorRow(Table):
    """The last known state of a connector; 0 is the charge point itself."""

    __tablename__ = "connector"
    __table_args__ = (
        ForeignKeyConstraint(["site_id", "charge_point"], ["charge_point.site_id", "charge_point.charge_point"]),
    )

    site_id: Mapped[str] = mapped_column(primary_key=True)
    charge_point: Mapped[str] = mapped_column(primary_key=True)
    connector_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str]
    error_code: Mapped[str]
    info: Mapped[str | None]
    status_at: Mapped[datetime]


class TransactionRow(Table):
    """One charging transaction. A skeleton while its start has not arrived."""

    __tablename__ = "charging_transaction"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    transaction: Mapped[UUID] = mapped_column(primary_key=True)
    transaction_id: Mapped[int]
    charge_point: Mapped[str]
    connector_id: Mapped[int | None]
    id_tag: Mapped[str | None]
    id_tag_status: Mapped[str | None]
    id_tag_reason: Mapped[str | None]
    """Why the id tag was refused, in words."""
    parent_id_tag: Mapped[str | None]
    reservation_id: Mapped[int | None]
    started_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    ordered_at: Mapped[datetime]
    """What lists are sorted by: the start, or the earliest that is known as long as it has not arrived."""
    meter_start_wh: Mapped[int | None]
    meter_stop_wh: Mapped[int | None]
    energy_wh: Mapped[int | None]
    stop_id_tag: Mapped[str | None]
    reason: Mapped[str | None]
    estimated: Mapped[bool] = mapped_column(default=False)
    start_flags: Mapped[list[str]] = mapped_column(default=list)
    stop_flags: Mapped[list[str]] = mapped_column(default=list)


Index(None, TransactionRow.ordered_at, TransactionRow.site_id, TransactionRow.transaction)
Index(None, TransactionRow.site_id, TransactionRow.ordered_at, TransactionRow.transaction)
Index(None, TransactionRow.site_id, TransactionRow.charge_point, TransactionRow.ordered_at)
Index(None, TransactionRow.site_id, TransactionRow.stopped_at)
Index(None, TransactionRow.transaction)
Index(None, TransactionRow.site_id, TransactionRow.transaction_id)
Index(None, TransactionRow.id_tag, TransactionRow.ordered_at)
