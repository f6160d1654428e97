"""Read transactions and meter values as the API shows them."""

from __future__ import annotations

from uuid import UUID

from cloud.db.database import Unit
from cloud.db.paging import page_of
from cloud.errors import NotFoundError
from cloud.models.charging import TransactionRow
from cloud.models.metering import MeterValueRow
from cloud.transactions import repository
from cloud.transactions.schemas import Key, MeterKey, MeterValueFilter, TransactionFilter
from contract.resources import MeterValueRecord, Page, Transaction


def transactions(unit: Unit, wanted: TransactionFilter, after: Key | None, limit: int) -> Page[Transaction]:
    """One page, newest first."""
    rows = repository.newest_first(unit, wanted, after, limit + 1)
    return page_of(rows, limit, key=lambda row: (row.ordered_at, row.site_id, row.transaction), item=_transaction)


def transaction(unit: Unit, identity: UUID) -> Transaction:
    """One transaction.

    Raises:
        NotFoundError: there is none.
    """
    row = repository.one(unit, identity)
    if row is None:
        raise NotFoundError(f"There is no transaction {identity}.", hint="It may not have reached the cloud yet.")
    return _transaction(row)


def meter_values(unit: Unit, wanted: MeterValueFilter, after: MeterKey | None, limit: int) -> Page[MeterValueRecord]:
    """One page, oldest first, as charts want them."""
    rows = repository.oldest_first(unit, wanted, after, limit + 1)
    return page_of(
        rows, limit, key=lambda row: (row.sampled_at, row.site_id, row.epoch, row.seq, row.position), item=_meter_value
    )


def _transaction(row: TransactionRow) -> Transaction:
    return Transaction(
        site=row.site_id,
        transaction=row.transaction,
        transaction_id=row.transaction_id,
        charge_point=row.charge_point,
        connector_id=row.connector_id,
        id_tag=row.id_tag,
        id_tag_status=row.id_tag_status,
        id_tag_reason=row.id_tag_reason,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        meter_start_wh=row.meter_start_wh,
        meter_stop_wh=row.meter_stop_wh,
        energy_wh=row.energy_wh,
        reason=row.reason,
        estimated=row.estimated,
        flags=list(dict.fromkeys([*row.start_flags, *row.stop_flags])),
    )


def _meter_value(row: MeterValueRow) -> MeterValueRecord:
    return MeterValueRecord.model_validate(
        {
            "site": row.site_id,
            "charge_point": row.charge_point,
            "connector_id": row.connector_id,
            "transaction": row.transaction,
            "sampled_at": row.sampled_at,
            "samples": row.samples,
        }
    )
