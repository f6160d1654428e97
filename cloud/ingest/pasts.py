"""The SQL of pasts: checkpoints, trails and forks of streams, the lives of edges, and conflicts between them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Select, delete, func, select, update

from cloud.db.database import Unit
from cloud.ingest.schemas import Position
from cloud.models.alarms import AlarmRow
from cloud.models.charging import TransactionRow
from cloud.models.commands import CommandItemRow
from cloud.models.link import LedgerEventRow, StreamCursorRow
from cloud.models.pasts import EdgeBootRow, EdgeConflictRow, EpochForkRow, StreamCheckpointRow, StreamTrailRow
from cloud.models.sites import EdgeEpochRow, EdgeRow, InstanceRow, SiteRow
from contract.batch import GENESIS
from contract.events import TransactionStopped
from contract.streams import Stream

TRAILS_KEPT = timedelta(days=35)
"""Longer than a backup of an edge is usually kept; from before, checkpoints remain."""

MOST_TRANSACTIONS = 5_000
"""That are sent down with an epoch: the newest."""

EDGE_LOCKED = "EdgeLocked"
"""The kind of the alarm that the cloud itself raises when two edges speak for one site."""

EDGE_TURNED_AWAY = "EdgeTurnedAway"
"""The kind of the alarm while an edge of a refused epoch, which nobody has judged yet, asks in vain."""

TURNED_AWAY = (
    "An edge speaks under an epoch that an operator refused, from a machine or a boot that was not known then: the one "
    "that was turned away, or the rightful one, restored from an old backup."
)

_IN_ONE_QUESTION = 500


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a stream's past, written under one epoch."""

    epoch: int
    after: int
    last: int | None
    """`None`: to the end."""


def remember_trail(
    unit: Unit,
    at: tuple[str, int, Stream],
    runs: Sequence[tuple[int, int, bytes]],
    checkpoints: Sequence[Position],
    now: datetime,
) -> None:
    """Keep the marks of a batch; at a checkpoint, let go of the marks that are old.

    Args:
        unit: the batch's own transaction.
        at: site, epoch and stream.
        runs: of each the first number, the last, and their marks; in their order, at least one.
        checkpoints: the places that are kept for ever.
        now: the time.
    """
    site, epoch, stream = at
    row = StreamTrailRow
    for first, last, marks in runs:
        unit.add(
            row(site_id=site, epoch=epoch, stream=stream.value, first=first, last=last, marks=marks, received_at=now)
        )
    for place in checkpoints:
        add_checkpoint(unit, site, epoch, stream, place)
    if checkpoints:
        unit.execute(
            delete(row).where(
                row.site_id == site,
                row.epoch == epoch,
                row.stream == stream.value,
                row.received_at < now - TRAILS_KEPT,
                row.last < runs[0][0],
            )
        )


def add_checkpoint(unit: Unit, site: str, epoch: int, stream: Stream, place: Position) -> None:
    """Keep the hash at a place for ever."""
    unit.add(
        StreamCheckpointRow(site_id=site, epoch=epoch, stream=stream.value, seq=place.cursor, hash=place.hash),
    )


def segments(unit: Unit, site: str, epoch: int, stream: Stream) -> list[Segment]:
    """The epochs that a stream's past was written under, the newest first; together they cover all numbers."""
    found, last = list[Segment](), None
    while True:
        fork = unit.get(EpochForkRow, (site, epoch, stream.value))
        after = 0 if fork is None else fork.seq if last is None else min(fork.seq, last)
        found.append(Segment(epoch, after, last))
        if fork is None or after == 0:
            return found
        epoch, last = fork.from_epoch, after


def full_hash(unit: Unit, site: str, segment: Segment, stream: Stream, seq: int) -> bytes | None:
    """The whole hash at a number, where it is known."""
    if seq == 0:
        return GENESIS
    cursor = unit.get(StreamCursorRow, (site, segment.epoch, stream.value))
    if cursor is not None and cursor.cursor == seq:
        return cursor.hash
    checkpoint = unit.get(StreamCheckpointRow, (site, segment.epoch, stream.value, seq))
    return None if checkpoint is None else checkpoint.hash


def trails(unit: Unit, site: str, segment: Segment, stream: Stream, low: int, high: int) -> Iterator[StreamTrailRow]:
    """The runs of an epoch's marks that touch the numbers from `low` to `high`."""
    yield from unit.scalars(_trails_from(site, segment, stream, low).where(StreamTrailRow.first <= high))


def trail_at(unit: Unit, site: str, segment: Segment, stream: Stream, seq: int) -> StreamTrailRow | None:
    """The run of marks that covers a number."""
    found = unit.scalar(_trails_from(site, segment, stream, seq).limit(1))
    return found if found is not None and found.first <= seq else None


def _trails_from(site: str, segment: Segment, stream: Stream, seq: int) -> Select[StreamTrailRow]:
    row = StreamTrailRow
    query = select(row).where(row.site_id == site, row.epoch == segment.epoch, row.stream == stream.value)
    return query.where(row.last >= seq).order_by(row.last)


def has_checkpoint_between(unit: Unit, site: str, segment: Segment, stream: Stream, low: int, high: int) -> bool:
    """Whether one lies from `low` to `high`."""
    row = StreamCheckpointRow
    query = select(row.seq).where(row.site_id == site, row.epoch == segment.epoch, row.stream == stream.value)
    return unit.scalar(query.where(row.seq >= low, row.seq <= high).limit(1)) is not None


def lives(unit: Unit, site: str) -> Sequence[EdgeEpochRow]:
    """Every epoch of a site, the oldest first."""
    return unit.scalars(select(EdgeEpochRow).where(EdgeEpochRow.site_id == site).order_by(EdgeEpochRow.epoch)).all()


def forks(unit: Unit, site: str, epoch: int | None = None) -> Sequence[EpochForkRow]:
    """Where the epochs of a site part from earlier ones; `epoch`: one of them alone."""
    query = select(EpochForkRow).where(EpochForkRow.site_id == site)
    if epoch is not None:
        query = query.where(EpochForkRow.epoch == epoch)
    return unit.scalars(query.order_by(EpochForkRow.epoch, EpochForkRow.stream)).all()


def heard_under(unit: Unit, site: str, boot_id: str) -> int | None:
    """The epoch that a boot of a machine spoke under last, and was believed; `None`: it never was."""
    known = unit.get(EdgeBootRow, (site, boot_id))
    return None if known is None else known.epoch


def note_boot(unit: Unit, site: str, boot_id: str, epoch: int, now: datetime) -> None:
    """Note that a boot of a machine speaks under an epoch."""
    known = unit.get(EdgeBootRow, (site, boot_id))
    if known is None:
        unit.add(EdgeBootRow(site_id=site, boot_id=boot_id, epoch=epoch, heard_at=now))
    elif known.epoch != epoch:
        known.epoch, known.heard_at = epoch, now


def conflicts(unit: Unit, site: str) -> Sequence[EdgeConflictRow]:
    """The conflicts of a site, the newest first."""
    row = EdgeConflictRow
    return unit.scalars(select(row).where(row.site_id == site).order_by(row.noticed_at.desc(), row.conflict)).all()


def open_conflict(unit: Unit, site: str) -> EdgeConflictRow | None:
    """The one that nobody has settled. The edge is locked meanwhile, or another one is turned away."""
    return next((row for row in conflicts(unit, site) if row.settled_at is None), None)


def add_conflict(unit: Unit, edge: EdgeRow, epoch: int, store: UUID, who: tuple[str, str], now: datetime) -> None:
    """Note that another one spoke for the site, and raise the alarm. `who`: its boot and its release.

    Where the site's edge is not locked, the other one was turned away alone, and an operator may think again.
    """
    is_locked = edge.locked_at is not None
    (boot_id, software_version), conflict = who, uuid4()
    unit.add(
        AlarmRow(
            site_id=edge.site_id,
            alarm=conflict,
            kind=EDGE_LOCKED if is_locked else EDGE_TURNED_AWAY,
            charge_point=None,
            detail=edge.locked_why or TURNED_AWAY,
            raised_at=now,
            cleared_at=None,
            ordered_at=now,
        )
    )
    unit.add(
        EdgeConflictRow(
            site_id=edge.site_id,
            conflict=conflict,
            noticed_at=now,
            present_epoch=edge.epoch,
            store_id=store,
            epoch=epoch,
            boot_id=boot_id,
            software_version=software_version,
        )
    )


def clear_alarm(unit: Unit, conflict: EdgeConflictRow, now: datetime) -> None:
    """End the alarm that a conflict raised."""
    alarm = unit.get(AlarmRow, (conflict.site_id, conflict.conflict))
    if alarm is not None:
        alarm.cleared_at = now


def renew_incarnation(unit: Unit) -> UUID:
    """Be another cloud database to all from now on: what edges remember of the old one's numbers means nothing."""
    new = uuid4()
    unit.execute(update(InstanceRow).values(incarnation=new))
    unit.execute(update(EdgeRow).values(incarnation=None))
    return new


def commands_given(unit: Unit, site: str) -> int:
    """The highest number of a command item that the site's edge may know."""
    return unit.scalars(select(SiteRow.last_command_number).where(SiteRow.site_id == site)).one()


def command_of(unit: Unit, site: str, number: int) -> UUID | None:
    """The command that a number was given to; `None`: to none, as far as is still known."""
    item = unit.get(CommandItemRow, (site, number))
    return None if item is None else item.command


def open_transactions(unit: Unit, site: str) -> list[TransactionRow]:
    """Those that run, as far as the cloud knows; skeletons whose start is not known are left out."""
    row = TransactionRow
    query = select(row).where(row.site_id == site, row.stopped_at.is_(None), row.started_at.is_not(None))
    return list(unit.scalars(query.order_by(row.ordered_at.desc()).limit(MOST_TRANSACTIONS)))


def highest_transaction_id(unit: Unit, site: str) -> int | None:
    """The highest number that a site ever gave to a transaction; `None`: none is known."""
    return unit.scalar(select(func.max(TransactionRow.transaction_id)).where(TransactionRow.site_id == site))


def ended_after(unit: Unit, site: str, parts: Sequence[Segment]) -> list[TransactionRow]:
    """Those whose end is told of in these parts of the ledger, and that have ended."""
    found = dict[UUID, TransactionRow]()
    for segment in parts:
        wanted = _ended_in(unit, site, segment)
        for start in range(0, len(wanted), _IN_ONE_QUESTION):
            row = TransactionRow
            some = wanted[start : start + _IN_ONE_QUESTION]
            query = select(row).where(row.site_id == site, row.transaction.in_(some), row.stopped_at.is_not(None))
            found.update((each.transaction, each) for each in unit.scalars(query))
    return list(found.values())


def _ended_in(unit: Unit, site: str, segment: Segment) -> list[UUID]:
    row = LedgerEventRow
    query = select(row.raw).where(row.site_id == site, row.epoch == segment.epoch, row.seq > segment.after)
    if segment.last is not None:
        query = query.where(row.seq <= segment.last)
    query = query.where(row.type == TransactionStopped.TYPE).order_by(row.seq.desc()).limit(MOST_TRANSACTIONS)
    return [UUID(json.loads(raw)["data"]["transaction"]) for raw in unit.scalars(query)]
