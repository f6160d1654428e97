"""Commands: what was asked, the numbered items that an edge pulls, and every transition."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.models.tables import Table


class CommandRow(Table):
    """One command and where it is."""

    __tablename__ = "command"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    command: Mapped[UUID] = mapped_column(primary_key=True)
    charge_point: Mapped[str]
    action: Mapped[str]
    payload: Mapped[dict[str, Any]]
    requested_by: Mapped[str]
    created_at: Mapped[datetime]
    deadline: Mapped[datetime]
    state: Mapped[str]
    moves: Mapped[int] = mapped_column(default=0)
    """How many transitions were noted."""
    guessed: Mapped[bool] = mapped_column(default=False)
    """The state is the cloud's own conclusion; a word of the edge wins over it."""
    handed_out_at: Mapped[datetime | None]
    """When the edge was first given it; `None`: never, and until then the cloud decides alone."""
    cancel_requested_at: Mapped[datetime | None]
    answer: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    effect: Mapped[dict[str, Any] | None]
    """What came of it beyond the answer; `None`: nothing was told."""


Index(None, CommandRow.command)
Index(None, CommandRow.created_at, CommandRow.command)
Index(None, CommandRow.state, CommandRow.deadline)


class CommandItemRow(Table):
    """One item of the site's numbered sequence."""

    __tablename__ = "command_item"
    __table_args__ = (ForeignKeyConstraint(["site_id", "command"], ["command.site_id", "command.command"]),)

    site_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    command: Mapped[UUID]


class CommandTransitionRow(Table):
    """One move of a command, as told; `applied` says whether it moved the state."""

    __tablename__ = "command_transition"
    __table_args__ = (ForeignKeyConstraint(["site_id", "command"], ["command.site_id", "command.command"]),)

    site_id: Mapped[str] = mapped_column(primary_key=True)
    command: Mapped[UUID] = mapped_column(primary_key=True)
    transition: Mapped[UUID] = mapped_column(primary_key=True)
    """The event that told it, or a UUIDv7 of the cloud's own."""
    ordinal: Mapped[int]
    """1, 2, 3 … in the order in which the cloud learned of them."""
    state: Mapped[str]
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    told_by: Mapped[str]
    """`edge` or `cloud`."""
    applied: Mapped[bool]
