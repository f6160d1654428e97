"""Apply dead letters again, once what was wrong with them is mended. Each on its own: a bad one holds up no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from cloud.db.database import Database, Unit
from cloud.db.paging import page_of
from cloud.ingest import repository
from cloud.ingest.schemas import DeadLetter, DeadLetterFilter, DeadLetterKey, Line
from cloud.ingest.service.applying import Application
from cloud.ingest.service.body import read_line
from cloud.models.link import DeadLetterRow
from cloud.models.received import Appliers
from cloud.observability.redaction import hide
from contract.batch import GENESIS, BatchHeader, Envelope
from contract.resources import Page
from contract.streams import Stream

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Redriven:
    """What came of one dead letter."""

    key: DeadLetterKey
    reason: str | None
    """Why it still cannot be applied; `None`: it was applied, and is a dead letter no more."""


def dead_letters(unit: Unit, wanted: DeadLetterFilter, after: DeadLetterKey | None, limit: int) -> Page[DeadLetter]:
    """One page, in the order of sites, epochs, streams and numbers."""
    rows = repository.dead_letters(unit, wanted, after, limit + 1)
    return page_of(rows, limit, key=_key, item=_shown)


def redrive(
    database: Database,
    wanted: DeadLetterFilter,
    appliers: Appliers,
    now: datetime,
    *,
    after: DeadLetterKey | None = None,
    limit: int | None = None,
) -> Iterator[Redriven]:
    """Apply the dead letters of a filter again, and tell of each when it is committed.

    Ending early, by a crash for example, leaves the others where they were: call it again.

    Args:
        database: where they lie.
        wanted: which ones.
        appliers: what events mean.
        now: stamped on what is written.
        after: only those behind this one; `None`: from the first.
        limit: at most so many; `None`: all.
    """
    done = 0
    while limit is None or done < limit:
        with database.read() as unit:
            row = next(iter(repository.dead_letters(unit, wanted, after, 1)), None)
        if row is None:
            return
        after, done = _key(row), done + 1
        with database.write() as unit:
            outcome = _again(unit, after, appliers, now)
        if outcome is not None:
            yield outcome


def _again(unit: Unit, key: DeadLetterKey, appliers: Appliers, now: datetime) -> Redriven | None:
    site, epoch, stream, seq = key
    repository.lock_edge(unit, site)
    row = repository.dead_letter(unit, key)
    if row is None:  # somebody else was faster
        return None
    first_seen_at, raw = row.received_at, row.raw
    unit.delete(row)
    unit.flush()
    header = BatchHeader(edge=site, epoch=epoch, stream=Stream(stream), first=seq, last=seq, hash_before=GENESIS.hex())
    line = read_line(raw, header.stream)
    Application(unit, header, appliers, now, held=_held_already(unit, key, line)).apply_again(line)
    unit.flush()
    refused = repository.dead_letter(unit, key)
    if refused is None:
        return Redriven(key, None)
    refused.received_at = first_seen_at
    return Redriven(key, refused.reason)


def _held_already(unit: Unit, key: DeadLetterKey, line: Line) -> frozenset[int]:
    """Which meter values of a thinned range are there: they came whole before it was thinned, or were good ones."""
    if line.skipped is None:
        return frozenset()
    site, epoch, _, _ = key
    return repository.meter_events(unit, site, epoch, {one.seq for one in line.skipped.kept})


def _key(row: DeadLetterRow) -> DeadLetterKey:
    return (row.site_id, row.epoch, row.stream, row.seq)


def _shown(row: DeadLetterRow) -> DeadLetter:
    return DeadLetter(
        site=row.site_id,
        epoch=row.epoch,
        stream=Stream(row.stream),
        seq=row.seq,
        type=row.type,
        reason=row.reason,
        received_at=row.received_at,
        event=_event(row.raw),
    )


def _event(raw: bytes) -> dict[str, Any]:
    envelope = Envelope.model_validate_json(raw).model_dump(mode="json")
    shown: dict[str, Any] = hide(envelope)
    return shown
