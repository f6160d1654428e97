"""What an edge's word about a day means."""

from __future__ import annotations

from collections.abc import Sequence

from cloud.db.database import Unit
from cloud.models.digests import DayDigestRow
from cloud.models.received import Received
from cloud.reconciliation import repository
from contract.digests import DayDigested


def digested(unit: Unit, events: Sequence[Received[DayDigested]]) -> None:
    """A day stands like this at the edge now."""
    for event in events:
        data = event.data
        repository.keep(
            unit,
            DayDigestRow(
                site_id=event.site,
                day=data.day,
                epoch=event.epoch,
                ledger_seq=data.ledger_seq,
                transactions=data.transactions,
                energy_wh=data.energy_wh,
                without_energy=data.without_energy,
                hash=data.hash,
                digested_at=event.envelope.recorded_at,
            ),
        )
