"""What came up from the edges, as it came: cursors, the ledger, and all that could not be applied."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.models.tables import Table


class StreamCursorRow(Table):
    """How far a stream is committed, and the rolling hash there."""

    __tablename__ = "stream_cursor"

    site_id: Mapped[str] = mapped_column(ForeignKey("edge.site_id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stream: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[int]
    hash: Mapped[bytes]
    moved_at: Mapped[datetime | None]


class LedgerEventRow(Table):
    """Every event of the ledger, byte for byte: the audit trail, and the second lock against doubles."""

    __tablename__ = "ledger_event"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    event: Mapped[UUID] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    seq: Mapped[int]
    type: Mapped[str]
    subject: Mapped[str]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    raw: Mapped[bytes]


Index(None, LedgerEventRow.site_id, LedgerEventRow.epoch, LedgerEventRow.seq)


class RawEventRow(Table):
    """An event kept as it came, because no table of its own holds what it says."""

    __tablename__ = "raw_event"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stream: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str]
    received_at: Mapped[datetime]
    raw: Mapped[bytes]


class UnknownEventRow(Table):
    """An event whose type this release does not know: kept until a release does, and then applied."""

    __tablename__ = "unknown_event"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stream: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str]
    received_at: Mapped[datetime]
    raw: Mapped[bytes]


class DeadLetterRow(Table):
    """An event that could not be applied, and why. It blocks nobody and is never silent."""

    __tablename__ = "dead_letter"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stream: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str]
    reason: Mapped[str]
    received_at: Mapped[datetime]
    raw: Mapped[bytes]


class SkippedRangeRow(Table):
    """Numbers that will never arrive, and why: a removed number is never missing."""

    __tablename__ = "skipped_range"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stream: Mapped[str] = mapped_column(primary_key=True)
    first: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
    count: Mapped[int]
    why: Mapped[str]
    received_at: Mapped[datetime]
