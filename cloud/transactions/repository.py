"""The SQL of transactions and meter values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_

from cloud.db.copying import Row, copy_rows
from cloud.db.database import Unit
from cloud.models.charging import TransactionRow
from cloud.models.metering import MeterValueRow
from cloud.transactions.schemas import Key, MeterKey, MeterValueFilter, TransactionFilter

_IN_ONE_QUESTION = 500


_METER_VALUE = (
    MeterValueRow.site_id,
    MeterValueRow.epoch,
    MeterValueRow.seq,
    MeterValueRow.position,
    MeterValueRow.charge_point,
    MeterValueRow.connector_id,
    MeterValueRow.transaction,
    MeterValueRow.sampled_at,
    MeterValueRow.samples,
    MeterValueRow.received_at,
)


def add_meter_values(unit: Unit, rows: Sequence[Row]) -> None:
    """Write meter values, all at once; each with the columns of `_METER_VALUE`."""
    copy_rows(unit, MeterValueRow, _METER_VALUE, rows)


def by_identity(unit: Unit, site: str, transactions: Collection[UUID]) -> dict[UUID, TransactionRow]:
    """Those of a site's transactions that are there."""
    wanted, found = list(transactions), dict[UUID, TransactionRow]()
    for start in range(0, len(wanted), _IN_ONE_QUESTION):
        some = wanted[start : start + _IN_ONE_QUESTION]
        rows = unit.scalars(
            select(TransactionRow).where(TransactionRow.site_id == site, TransactionRow.transaction.in_(some))
        )
        found.update((row.transaction, row) for row in rows)
    return found


def one(unit: Unit, transaction: UUID) -> TransactionRow | None:
    """A transaction of any site."""
    return unit.scalar(select(TransactionRow).where(TransactionRow.transaction == transaction).limit(1))


def newest_first(unit: Unit, wanted: TransactionFilter, after: Key | None, limit: int) -> Sequence[TransactionRow]:
    """Up to `limit` transactions behind the key `after`."""
    row = TransactionRow
    query = select(row).where(*_equal((row.site_id, wanted.site), (row.charge_point, wanted.charge_point)))
    query = query.where(*_equal((row.id_tag, wanted.id_tag)), *_between(row.ordered_at, wanted.since, wanted.until))
    if wanted.is_open is not None:
        query = query.where(row.stopped_at.is_(None) if wanted.is_open else row.stopped_at.is_not(None))
    key = (row.ordered_at, row.site_id, row.transaction)
    if after is not None:
        query = query.where(tuple_(*key) < tuple_(*after, types=[column.type for column in key]))
    return unit.scalars(query.order_by(*(column.desc() for column in key)).limit(limit)).all()


def oldest_first(unit: Unit, wanted: MeterValueFilter, after: MeterKey | None, limit: int) -> Sequence[MeterValueRow]:
    """Up to `limit` meter values behind the key `after`."""
    row = MeterValueRow
    query = select(row).where(*_equal((row.site_id, wanted.site), (row.charge_point, wanted.charge_point)))
    query = query.where(
        *_equal((row.transaction, wanted.transaction)), *_between(row.sampled_at, wanted.since, wanted.until)
    )
    key = (row.sampled_at, row.site_id, row.epoch, row.seq, row.position)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after, types=[column.type for column in key]))
    return unit.scalars(query.order_by(*key).limit(limit)).all()


def _equal(*pairs: tuple[Any, object]) -> list[ColumnElement[bool]]:
    return [column == value for column, value in pairs if value is not None]


def _between(column: Any, since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:  # noqa: ANN401 - a mapped column
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        conditions.append(column >= since)
    if until is not None:
        conditions.append(column < until)
    return conditions
