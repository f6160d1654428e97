"""The SQL of what grew old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, literal_column, select

from cloud.db.database import Unit
from cloud.models.commands import CommandItemRow, CommandRow, CommandTransitionRow
from cloud.models.link import RawEventRow
from cloud.models.metering import MeterValueRow
from cloud.models.sites import SiteRow
from contract.commands import FINAL_STATES

Received = type[MeterValueRow] | type[RawEventRow]

_IN_ONE_QUESTION = 500


def sites(unit: Unit) -> Sequence[str]:
    """All sites."""
    return unit.scalars(select(SiteRow.site_id).order_by(SiteRow.site_id)).all()


def lock_site(unit: Unit, site: str) -> None:
    """Lock a site's row: nobody else changes its commands meanwhile."""
    unit.execute(select(SiteRow.site_id).where(SiteRow.site_id == site).with_for_update(key_share=True))


def remove_oldest(unit: Unit, table: Received, before: datetime, limit: int) -> int:
    """Remove those of the `limit` rows written first that were received before an instant; how many. SQLite only."""
    rowid: ColumnElement[int] = literal_column("rowid")
    first = select(rowid.label("place"), table.received_at).select_from(table).order_by(rowid).limit(limit).subquery()
    old = unit.scalars(select(first.c.place).where(first.c.received_at < before)).all()
    if old:
        unit.execute(delete(table).where(rowid <= max(old), table.received_at < before))
    return len(old)


def remove_ended_commands(unit: Unit, site: str, before: datetime, limit: int) -> int:
    """Remove commands that have ended and whose time was up before an instant; how many. The site must be locked."""
    row = CommandRow
    ended = select(row.command).where(row.site_id == site, row.state.in_(sorted(FINAL_STATES)), row.deadline < before)
    found = unit.scalars(ended.order_by(row.deadline).limit(limit)).all()
    for start in range(0, len(found), _IN_ONE_QUESTION):
        some = found[start : start + _IN_ONE_QUESTION]
        for table in (CommandItemRow, CommandTransitionRow, CommandRow):
            unit.execute(delete(table).where(table.site_id == site, table.command.in_(some)))
    return len(found)
