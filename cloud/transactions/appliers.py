"""What a site's events mean for transactions and meter values.

Parts may arrive in any order across streams and after a repair: whichever comes first makes the row, and each part
writes its own columns only. Applied twice, they change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloud.db.database import Unit
from cloud.models.charging import TransactionRow
from cloud.models.received import Received
from cloud.models.sampled import SampleRun
from cloud.transactions import repository
from contract.events import TransactionReopened, TransactionStarted, TransactionStopped


def started(unit: Unit, events: Sequence[Received[TransactionStarted]]) -> None:
    """A start: make the row, or complete the one that a stop has made."""
    rows = _rows(unit, events)
    for event in events:
        data, row = event.data, rows[event.data.transaction]
        row.transaction_id, row.charge_point, row.connector_id = (
            data.transaction_id,
            data.charge_point,
            data.connector_id,
        )
        row.id_tag, row.id_tag_status, row.parent_id_tag = data.id_tag, data.id_tag_status, data.parent_id_tag
        row.id_tag_reason = data.id_tag_reason
        row.started_at = row.ordered_at = data.started_at
        row.meter_start_wh, row.reservation_id = data.meter_start_wh, data.reservation_id
        row.start_flags = data.flags
    unit.flush()


def stopped(unit: Unit, events: Sequence[Received[TransactionStopped]]) -> None:
    """A stop: the charge point's own word replaces an estimate, and never the other way round."""
    rows = _rows(unit, events)
    for event in events:
        data, row = event.data, rows[event.data.transaction]
        if data.estimated and row.stopped_at is not None and not row.estimated:
            continue
        if row.connector_id is None:
            row.connector_id = data.connector_id
        row.stopped_at, row.reason, row.estimated = data.stopped_at, data.reason, data.estimated
        row.meter_stop_wh, row.energy_wh = data.meter_stop_wh, data.energy_wh
        row.stop_id_tag, row.stop_flags = data.id_tag, data.flags
    unit.flush()


def reopened(unit: Unit, events: Sequence[Received[TransactionReopened]]) -> None:
    """An estimated end was wrong: the transaction goes on. An end that its charge point told stays."""
    rows = repository.by_identity(unit, events[0].site, {event.data.transaction for event in events})
    for event in events:
        row = rows.get(event.data.transaction)
        if row is None or not row.estimated:
            continue
        row.stopped_at = row.reason = row.meter_stop_wh = row.energy_wh = row.stop_id_tag = None
        row.estimated, row.stop_flags = False, []
    unit.flush()


def sampled(unit: Unit, run: SampleRun) -> None:
    """Meter values: one row per instant. They name their transaction and need not wait for it."""
    repository.add_meter_values(
        unit,
        [
            (
                run.site,
                run.epoch,
                event.seq,
                position,
                event.charge_point,
                event.connector_id,
                event.transaction,
                instant.sampled_at,
                instant.samples,
                run.received_at,
            )
            for event in run.events
            for position, instant in enumerate(event.values)
        ],
    )


def _rows(
    unit: Unit, events: Sequence[Received[TransactionStarted]] | Sequence[Received[TransactionStopped]]
) -> dict[Any, TransactionRow]:
    rows = repository.by_identity(unit, events[0].site, {event.data.transaction for event in events})
    for event in events:
        if event.data.transaction not in rows:
            rows[event.data.transaction] = row = _skeleton(event)
            unit.add(row)
    return rows


def _skeleton(event: Received[TransactionStarted] | Received[TransactionStopped]) -> TransactionRow:
    data = event.data
    return TransactionRow(
        site_id=event.site,
        transaction=data.transaction,
        transaction_id=data.transaction_id,
        charge_point=data.charge_point,
        connector_id=data.connector_id,
        ordered_at=data.started_at if isinstance(data, TransactionStarted) else data.stopped_at,
        estimated=False,
        start_flags=[],
        stop_flags=[],
    )
