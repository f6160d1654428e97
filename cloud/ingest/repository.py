"""The SQL of the link."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, or_, select, tuple_, update

from cloud.db.database import Unit
from cloud.errors import UnknownSiteError
from cloud.ingest.schemas import DeadLetterFilter, DeadLetterKey, Position
from cloud.models.link import (
    DeadLetterRow,
    LedgerEventRow,
    RawEventRow,
    SkippedRangeRow,
    StreamCursorRow,
    UnknownEventRow,
)
from cloud.models.metering import MeterValueRow
from cloud.models.published import AppliedSetRow
from cloud.models.sites import EdgeRow, incarnation_for
from contract.directory import AppliedSet
from contract.streams import Stream

_IN_ONE_QUESTION = 500


def lock_edge(unit: Unit, edge: str) -> EdgeRow:
    """The edge's row, locked: whatever this edge sends is handled one after the other.

    Raises:
        UnknownSiteError: there is none.
    """
    row = unit.scalar(select(EdgeRow).where(EdgeRow.site_id == edge).with_for_update(key_share=True))
    if row is None:
        raise UnknownSiteError(f"There is no edge {edge}.", hint="Add its site with: gardu-cloud add-site")
    return row


def incarnation(unit: Unit, site: str) -> UUID:
    """Which cloud database this is to the edge of a site."""
    return unit.scalars(incarnation_for(site)).one()


def position(unit: Unit, edge: str, epoch: int, stream: Stream) -> Position:
    """How far a stream is committed. Call it under `lock_edge`."""
    row = unit.get(StreamCursorRow, (edge, epoch, stream.value))
    return Position(row.cursor, row.hash) if row else Position()


def move(unit: Unit, edge: str, epoch: int, stream: Stream, to: Position, now: datetime) -> None:
    """Advance a stream's cursor. Call it under `lock_edge`."""
    unit.merge(
        StreamCursorRow(site_id=edge, epoch=epoch, stream=stream.value, cursor=to.cursor, hash=to.hash, moved_at=now)
    )


def touch(unit: Unit, edge: str, now: datetime, *, coarseness: timedelta) -> None:
    """Note that the edge was heard, unless that was noted a moment ago."""
    recently = now - coarseness
    unit.execute(
        update(EdgeRow)
        .where(EdgeRow.site_id == edge, or_(EdgeRow.last_heard_at.is_(None), EdgeRow.last_heard_at < recently))
        .values(last_heard_at=now)
    )


def known_ledger_events(unit: Unit, site: str, events: Sequence[UUID]) -> set[UUID]:
    """Those of `events` that the ledger has already."""
    known: set[UUID] = set()
    for start in range(0, len(events), _IN_ONE_QUESTION):
        some = events[start : start + _IN_ONE_QUESTION]
        known.update(
            unit.scalars(
                select(LedgerEventRow.event).where(LedgerEventRow.site_id == site, LedgerEventRow.event.in_(some))
            )
        )
    return known


def add_ledger_events(unit: Unit, rows: Iterable[dict[str, Any]]) -> None:
    """Write ledger events."""
    unit.execute(insert(LedgerEventRow), list(rows))


def add_raw_events(unit: Unit, rows: Iterable[dict[str, Any]]) -> None:
    """Keep events as they came."""
    unit.execute(insert(RawEventRow), list(rows))


def add_unknown_events(unit: Unit, rows: Iterable[dict[str, Any]]) -> None:
    """Keep events until their type is known."""
    unit.execute(insert(UnknownEventRow), list(rows))


def site_of_unknown(unit: Unit, types: Sequence[str]) -> str | None:
    """A site that such events came from; `None`: there are none."""
    row = UnknownEventRow
    return unit.scalar(select(row.site_id).where(row.type.in_(types)).order_by(row.site_id).limit(1))


def take_unknown(unit: Unit, site: str, types: Sequence[str], limit: int) -> Sequence[UnknownEventRow]:
    """Take the first such events of one epoch and stream away, in their order. Call it under `lock_edge`."""
    row = UnknownEventRow
    query = select(row).where(row.site_id == site, row.type.in_(types)).order_by(row.epoch, row.stream, row.seq)
    found = unit.scalars(query.limit(limit)).all()
    taken = [one for one in found if (one.epoch, one.stream) == (found[0].epoch, found[0].stream)]
    for one in taken:
        unit.delete(one)
    unit.flush()
    return taken


def count_unknown(unit: Unit) -> int:
    """How many there are."""
    return unit.scalars(select(func.count()).select_from(UnknownEventRow)).one()


def remove_ledger_events(unit: Unit, site: str, events: Sequence[UUID]) -> None:
    """Make room for events that are to be written anew, at most `_IN_ONE_QUESTION`. Call it under `lock_edge`."""
    row = LedgerEventRow
    unit.execute(delete(row).where(row.site_id == site, row.event.in_(events)))


def date_ledger_events(unit: Unit, site: str, received_at: Mapping[UUID, datetime]) -> None:
    """Write when events were received; those that are not there stay away."""
    row = LedgerEventRow
    for event, at in received_at.items():
        unit.execute(update(row).where(row.site_id == site, row.event == event).values(received_at=at))


def add_dead_letter(unit: Unit, row: DeadLetterRow) -> None:
    """Put an event aside."""
    unit.add(row)
    unit.flush()


def note_skipped_range(unit: Unit, row: SkippedRangeRow) -> None:
    """Note a range that will never arrive; a longer one that begins at the same number takes its place."""
    unit.merge(row)
    unit.flush()


def dead_letters(
    unit: Unit, wanted: DeadLetterFilter, after: DeadLetterKey | None, limit: int
) -> Sequence[DeadLetterRow]:
    """Up to `limit` dead letters behind the key `after`."""
    row = DeadLetterRow
    key = (row.site_id, row.epoch, row.stream, row.seq)
    query = _behind(after, _of(wanted, select(row)).order_by(*key).limit(limit))
    return unit.scalars(query).all()


def count_dead_letters(unit: Unit, wanted: DeadLetterFilter, after: DeadLetterKey | None) -> int:
    """How many there are behind the key `after`."""
    query = _behind(after, _of(wanted, select(func.count()).select_from(DeadLetterRow)))
    found: int = unit.scalars(query).one()
    return found


def dead_letter(unit: Unit, key: DeadLetterKey) -> DeadLetterRow | None:
    """Look one up."""
    return unit.get(DeadLetterRow, key)


def meter_events(unit: Unit, site: str, epoch: int, seqs: Collection[int]) -> frozenset[int]:
    """Those of some numbers whose meter values are there."""
    wanted, found = list(seqs), set[int]()
    for start in range(0, len(wanted), _IN_ONE_QUESTION):
        row, some = MeterValueRow, wanted[start : start + _IN_ONE_QUESTION]
        found.update(unit.scalars(select(row.seq).where(row.site_id == site, row.epoch == epoch, row.seq.in_(some))))
    return frozenset(found)


def _behind(after: DeadLetterKey | None, query: Select[Any]) -> Select[Any]:
    row = DeadLetterRow
    key = (row.site_id, row.epoch, row.stream, row.seq)
    return query if after is None else query.where(tuple_(*key) > tuple_(*after))


def _of(wanted: DeadLetterFilter, query: Select[Any]) -> Select[Any]:
    row = DeadLetterRow
    if wanted.site is not None:
        query = query.where(row.site_id == wanted.site)
    if wanted.stream is not None:
        query = query.where(row.stream == wanted.stream.value)
    if wanted.type is not None:
        query = query.where(row.type == wanted.type)
    return query


def note_directory(unit: Unit, edge: str, held: Mapping[str, AppliedSet], now: datetime) -> None:
    """Keep what an edge says it holds of the directory; what it does not name, it does not hold."""
    row = AppliedSetRow
    unit.execute(delete(row).where(row.site_id == edge, row.set.not_in(list(held))))
    for name, one in held.items():
        unit.merge(
            AppliedSetRow(
                site_id=edge,
                set=name,
                incarnation=one.incarnation,
                version=one.version,
                hash=one.hash,
                entries=one.entries,
                how="greeting",
                applied_at=one.applied_at,
                received_at=now,
            )
        )
    unit.flush()
