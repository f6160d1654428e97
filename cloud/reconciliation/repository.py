"""The SQL of the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select, tuple_

from cloud.db.database import Unit
from cloud.models.charging import TransactionRow
from cloud.models.digests import DayDigestRow
from cloud.models.link import StreamCursorRow
from cloud.models.sites import EdgeRow
from cloud.reconciliation.schemas import DayFilter, Key
from contract.digests import Ended
from contract.streams import Stream

_MANY = 10_000


def keep(unit: Unit, row: DayDigestRow) -> None:
    """Write how a day stands; what stood there before is replaced."""
    unit.merge(row)
    unit.flush()


def page(unit: Unit, wanted: DayFilter, after: Key | None, limit: int) -> Sequence[DayDigestRow]:
    """Up to `limit` days behind the key `after`: newest first, then by site."""
    row = DayDigestRow
    query = select(row).order_by(row.day.desc(), row.site_id.desc()).limit(limit)
    if wanted.site is not None:
        query = query.where(row.site_id == wanted.site)
    if wanted.since is not None:
        query = query.where(row.day >= wanted.since)
    if wanted.until is not None:
        query = query.where(row.day <= wanted.until)
    if after is not None:
        query = query.where(tuple_(row.day, row.site_id) < tuple_(*after, types=[row.day.type, row.site_id.type]))
    return unit.scalars(query).all()


def ended_on(unit: Unit, site: str, day: date) -> list[Ended]:
    """The transactions of a site that ended within a day in UTC."""
    begin = datetime.combine(day, time(), UTC)
    row = TransactionRow
    query: Any = select(row.transaction, row.stopped_at, row.energy_wh).where(
        row.site_id == site, row.stopped_at >= begin, row.stopped_at < begin + timedelta(days=1)
    )
    return [Ended(*found) for found in unit.execute(query.execution_options(yield_per=_MANY))]


def ledger_positions(unit: Unit) -> dict[str, tuple[int, int]]:
    """Per site: the present epoch, and how far its ledger is committed."""
    row = StreamCursorRow
    same = (EdgeRow.site_id == row.site_id) & (EdgeRow.epoch == row.epoch)
    query = select(row.site_id, row.epoch, row.cursor).join(EdgeRow, same).where(row.stream == Stream.LEDGER.value)
    return {site: (epoch, cursor) for site, epoch, cursor in unit.execute(query)}
