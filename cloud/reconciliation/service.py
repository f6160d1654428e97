"""Compare what an edge says of its days with what the cloud holds."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from cloud.db.database import Unit
from cloud.db.paging import page_of
from cloud.models.digests import DayDigestRow
from cloud.reconciliation import repository
from cloud.reconciliation.schemas import Agreement, DayFilter, Key, ReconciledDay, Sums
from contract.digests import DayDigest, digest
from contract.resources import Page


def days(unit: Unit, wanted: DayFilter, after: Key | None, limit: int) -> Page[ReconciledDay]:
    """One page of days that edges have told of, newest first."""
    positions = repository.ledger_positions(unit)
    rows = repository.page(unit, wanted, after, limit + 1)

    def compared(row: DayDigestRow) -> ReconciledDay:
        ours = digest(repository.ended_on(unit, row.site_id, row.day))
        return ReconciledDay(
            site=row.site_id,
            day=row.day,
            agreement=judge(row, ours, positions.get(row.site_id, (row.epoch, 0))),
            edge=Sums(transactions=row.transactions, energy_wh=row.energy_wh, without_energy=row.without_energy),
            cloud=Sums(transactions=ours.transactions, energy_wh=ours.energy_wh, without_energy=ours.without_energy),
            told_at=row.digested_at,
        )

    return page_of(rows, limit, key=lambda row: (row.day, row.site_id), item=compared)


def judge(told: DayDigestRow, ours: DayDigest, position: tuple[int, int]) -> Agreement:
    """Decide what the comparison of a day means. No I/O.

    Args:
        told: the edge's word.
        ours: what the cloud holds now.
        position: the present epoch, and how far its ledger is committed.
    """
    if told.hash == ours.hash:
        return Agreement.AGREES
    epoch, cursor = position
    if epoch == told.epoch and cursor < told.ledger_seq:
        return Agreement.PENDING
    was_over = told.digested_at >= datetime.combine(told.day + timedelta(days=1), time(), UTC)
    if cursor > told.ledger_seq and not was_over:
        return Agreement.PENDING
    return Agreement.DIFFERS
