"""Apply the events that an earlier release did not know, now that this one does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from cloud.db.database import Database, Unit
from cloud.ingest import repository
from cloud.ingest.service.applying import Application
from cloud.ingest.service.body import read_line
from cloud.models.link import UnknownEventRow
from cloud.models.received import Appliers
from contract.batch import GENESIS, BatchHeader
from contract.events import EVENTS
from contract.streams import Stream

_AT_ONCE = 500


def apply_unknown(database: Database, appliers: Appliers, now: datetime) -> Iterator[int]:
    """Apply what is known by now, in its order; tells after each commit how many it were.

    What cannot be applied goes to the dead letters. Ending early, by a crash for example, leaves the others where they
    were: call it again. Several replicas may do it at once.

    Args:
        database: where they lie.
        appliers: what events mean that are applied long after their turn.
        now: stamped on what is written.
    """
    known = sorted(appliers.keys() & EVENTS.keys())
    while True:
        with database.read() as unit:
            site = repository.site_of_unknown(unit, known)
        if site is None:
            return
        with database.write() as unit:
            repository.lock_edge(unit, site)
            rows = repository.take_unknown(unit, site, known, _AT_ONCE)
            if rows:
                _apply(unit, rows, appliers, now)
        yield len(rows)


def _apply(unit: Unit, rows: Sequence[UnknownEventRow], appliers: Appliers, now: datetime) -> None:
    site, stream = rows[0].site_id, Stream(rows[0].stream)
    header = BatchHeader(
        edge=site,
        epoch=rows[0].epoch,
        stream=stream,
        first=rows[0].seq,
        last=rows[-1].seq,
        hash_before=GENESIS.hex(),
    )
    lines = [read_line(row.raw, stream) for row in rows]
    if stream is not Stream.LEDGER:
        Application(unit, header, appliers, now).apply(lines)
        return
    # The ledger has them since they came. They are written again with what they mean, or become dead letters.
    received_at = {line.envelope.id: row.received_at for line, row in zip(lines, rows, strict=True)}
    repository.remove_ledger_events(unit, site, list(received_at))
    Application(unit, header, appliers, now).apply(lines)
    repository.date_ledger_events(unit, site, received_at)


def how_many_unknown(database: Database) -> int:
    """Events whose types this release does not know either."""
    with database.read() as unit:
        return repository.count_unknown(unit)
