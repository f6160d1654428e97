"""What an operator sees of the lives of an edge, and the choice when two spoke for one site."""

from __future__ import annotations

from datetime import datetime

from cloud.db.database import Database, Unit
from cloud.errors import NotLockedError, UnknownSiteError
from cloud.ingest import pasts, repository
from cloud.ingest.lives import Conflict, Continues, EdgeLives, Fork, Life
from cloud.models.pasts import EdgeConflictRow
from cloud.models.sites import EdgeEpochRow, EdgeRow
from contract.streams import Stream


def lives(database: Database, edge: str) -> EdgeLives:
    """Every epoch of a site's edge, and every conflict.

    Raises:
        UnknownSiteError: there is none.
    """
    with database.read() as unit:
        row = unit.get(EdgeRow, edge)
        if row is None:
            raise UnknownSiteError(f"There is no edge {edge}.", hint="GET /api/v1/sites lists all.")
        return _lives(unit, row)


def unlock(database: Database, edge: str, continues: Continues, by: str, now: datetime) -> EdgeLives:
    """Let one of two edges go on and turn the other one away.

    Args:
        database: where everything is.
        edge: the site's.
        continues: the one that holds the present epoch, or the other one, whose past then goes on in a new epoch.
        by: who chose.
        now: when.

    Raises:
        UnknownSiteError: there is none.
        NotLockedError: it is not locked, and no other one asks in vain.
    """
    with database.write() as unit:
        row = repository.lock_edge(unit, edge)
        conflict = pasts.open_conflict(unit, edge)
        if conflict is None:
            raise NotLockedError(
                f"Edge {edge} is not locked, and no other one is turned away.", hint="Nothing was changed."
            )
        conflict.settled_at, conflict.settled_by, conflict.continues = now, by, continues.value
        row.locked_at = row.locked_why = None
        pasts.clear_alarm(unit, conflict, now)
        other = unit.get(EdgeEpochRow, (edge, conflict.epoch))
        if continues is Continues.PRESENT:
            if other is not None:
                other.refused_at = now
        elif other is not None:
            _hand_over(unit, row, other, now)
        unit.flush()
        return _lives(unit, row)


def _hand_over(unit: Unit, row: EdgeRow, other: EdgeEpochRow, now: datetime) -> None:
    """End the present epoch at once, so that nothing more is written under it; the other's greeting gets the next."""
    unit.get_one(EdgeEpochRow, (row.site_id, row.epoch)).refused_at = now
    other.chosen_at, other.refused_at = now, None
    row.epoch += 1
    unit.add(
        EdgeEpochRow(
            site_id=row.site_id, epoch=row.epoch, store_id=other.store_id, granted_at=now, why="chosen", refused_at=None
        )
    )
    row.store_id = other.store_id


def _lives(unit: Unit, row: EdgeRow) -> EdgeLives:
    forks = pasts.forks(unit, row.site_id)
    return EdgeLives(
        edge=row.site_id,
        epoch=row.epoch,
        locked_at=row.locked_at,
        locked_why=row.locked_why,
        epochs=[
            Life(
                epoch=life.epoch,
                store_id=life.store_id,
                granted_at=life.granted_at,
                why=life.why,
                from_epoch=life.from_epoch,
                forks={
                    Stream(fork.stream): Fork(after=fork.seq, left=fork.left)
                    for fork in forks
                    if fork.epoch == life.epoch
                },
                refused_at=life.refused_at,
            )
            for life in pasts.lives(unit, row.site_id)
        ],
        conflicts=[_conflict(one) for one in pasts.conflicts(unit, row.site_id)],
    )


def _conflict(row: EdgeConflictRow) -> Conflict:
    return Conflict(
        conflict=row.conflict,
        noticed_at=row.noticed_at,
        present_epoch=row.present_epoch,
        other_epoch=row.epoch,
        other_store_id=row.store_id,
        other_boot_id=row.boot_id,
        other_software_version=row.software_version,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        continues=None if row.continues is None else Continues(row.continues),
    )
