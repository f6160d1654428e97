"""The transactions that an edge has to hear of, with the epoch that it is granted: its disk may not know them."""

from __future__ import annotations

from cloud.db.database import Unit
from cloud.ingest import pasts
from cloud.ingest.pasts import Segment
from cloud.models.charging import TransactionRow
from contract.link import KnownTransaction
from contract.streams import Stream


def known_transactions(unit: Unit, site: str, epoch: int) -> list[KnownTransaction]:
    """Those that run, and those that ended behind the place where the epoch parts from an earlier one."""
    rows = pasts.open_transactions(unit, site) + pasts.ended_after(unit, site, _lost(unit, site, epoch))
    return [_known(row) for row in rows]


def _lost(unit: Unit, site: str, epoch: int) -> list[Segment]:
    """The parts of the ledger that lie behind the fork: in the epoch that it parts from, and in what that one has."""
    fork = next((one for one in pasts.forks(unit, site, epoch) if one.stream == Stream.LEDGER.value), None)
    if fork is None:
        return []
    parts = pasts.segments(unit, site, fork.from_epoch, Stream.LEDGER)
    return [
        Segment(part.epoch, max(part.after, fork.seq), part.last)
        for part in parts
        if part.last is None or part.last > fork.seq
    ]


def _known(row: TransactionRow) -> KnownTransaction:
    return KnownTransaction(
        transaction=row.transaction,
        transaction_id=row.transaction_id,
        charge_point=row.charge_point,
        connector_id=row.connector_id,
        id_tag=row.id_tag,
        id_tag_status=row.id_tag_status,
        parent_id_tag=row.parent_id_tag,
        reservation_id=row.reservation_id,
        started_at=row.started_at,
        meter_start_wh=row.meter_start_wh,
        flags=row.start_flags,
        stopped_at=row.stopped_at,
        meter_stop_wh=row.meter_stop_wh,
        energy_wh=row.energy_wh,
        stop_id_tag=row.stop_id_tag,
        reason=row.reason,
        estimated=row.estimated,
    )
