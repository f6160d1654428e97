"""Take a batch: rows and cursor in one transaction, and only then the answer."""

from __future__ import annotations

from datetime import datetime, timedelta

from cloud.db.database import Database
from cloud.errors import EdgeLockedError, EpochError, ForbiddenError
from cloud.ingest import pasts, repository
from cloud.ingest.schemas import Batch
from cloud.ingest.service.applying import Application
from cloud.ingest.service.chain import follow
from cloud.ingest.service.trail import checkpoints_of, trails_of
from cloud.models.received import Appliers
from contract.link import PushAnswer

_HEARD = timedelta(seconds=1)


def push(database: Database, edge: str, batch: Batch, appliers: Appliers, now: datetime) -> PushAnswer:
    """Commit what is new in a batch. Sending it again does no harm.

    Raises:
        ForbiddenError: the batch is another edge's.
        EdgeLockedError: two edges speak for this site.
        EpochError: it was written under another epoch.
        ChainError: it does not continue the chain.
    """
    header = batch.header
    if header.edge != edge:
        raise ForbiddenError(
            "The batch names another edge than its path.", hint="An edge speaks for its own site only."
        )
    with database.write() as unit:
        row = repository.lock_edge(unit, edge)
        if row.locked_at is not None:
            raise EdgeLockedError(row.locked_why or "This edge is locked.", hint="Greet to hear more.")
        epoch = row.epoch
        if header.epoch != epoch:
            raise EpochError(
                f"The batch is of epoch {header.epoch}, the present one is {epoch}.", hint="Greet again.", epoch=epoch
            )
        before = repository.position(unit, edge, epoch, header.stream)
        fresh, after, hashes = follow(before, batch)
        if fresh:
            runs = [(run.first, run.last, run.marks) for run in trails_of(fresh, hashes)]
            pasts.remember_trail(unit, (edge, epoch, header.stream), runs, checkpoints_of(fresh, hashes), now)
            Application(unit, header, appliers, now, before.cursor).apply(fresh)
            repository.move(unit, edge, epoch, header.stream, after, now)
        repository.touch(unit, edge, now, coarseness=_HEARD)
    return PushAnswer(cursor=after.cursor, hash=after.hash.hex())
