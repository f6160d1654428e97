"""What the cloud remembers of each stream's past, so that it can find the place where an edge's past parts from it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cloud.models.tables import Table


class StreamCheckpointRow(Table):
    """The rolling hash at a number, kept for ever: one in every thousand events, and where an epoch parts."""

    __tablename__ = "stream_checkpoint"

    site_id: Mapped[str] = mapped_column(ForeignKey("edge.site_id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stream: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes]


class StreamTrailRow(Table):
    """The beginnings of the rolling hashes of a run of numbers: eight bytes each, kept for some weeks.

    The numbers that a `Skipped` stands for are in no run, but for its last one.
    """

    __tablename__ = "stream_trail"

    site_id: Mapped[str] = mapped_column(ForeignKey("edge.site_id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stream: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first: Mapped[int]
    marks: Mapped[bytes]
    """Of `first` to `last`; in older rows eight zero bytes where a `Skipped` stands for the number."""
    received_at: Mapped[datetime]


class EpochForkRow(Table):
    """Where a stream of an epoch parts from that of an earlier one; up to `seq` their pasts are the same."""

    __tablename__ = "epoch_fork"

    site_id: Mapped[str] = mapped_column(ForeignKey("edge.site_id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stream: Mapped[str] = mapped_column(primary_key=True)
    from_epoch: Mapped[int]
    seq: Mapped[int]
    """The last number that both have; the epoch goes on with the next one."""
    left: Mapped[int]
    """How many events of the earlier epoch lie behind it: only the cloud has them."""


class EdgeBootRow(Table):
    """A boot of a machine that spoke for a site. One that speaks before a grant and after it is no restored edge."""

    __tablename__ = "edge_boot"

    site_id: Mapped[str] = mapped_column(ForeignKey("edge.site_id"), primary_key=True)
    boot_id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    """That it spoke under last, and was believed."""
    heard_at: Mapped[datetime]
    """When it first spoke under that epoch."""


class EdgeConflictRow(Table):
    """Two edges spoke for one site: when, who the other one was, and how it was settled."""

    __tablename__ = "edge_conflict"

    site_id: Mapped[str] = mapped_column(ForeignKey("edge.site_id"), primary_key=True)
    conflict: Mapped[UUID] = mapped_column(primary_key=True)
    noticed_at: Mapped[datetime]
    present_epoch: Mapped[int]
    store_id: Mapped[UUID]
    """Of the one that spoke although its epoch was superseded."""
    epoch: Mapped[int]
    boot_id: Mapped[str]
    software_version: Mapped[str]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    continues: Mapped[str | None]
    """`present` or `other`: which one an operator let go on."""
