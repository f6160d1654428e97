"""The SQL of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from cloud.db.database import Unit
from cloud.live.schemas import Key
from cloud.models.live import LiveConnectorRow

_KEY = ("site_id", "charge_point", "connector_id")


def show(unit: Unit, rows: list[dict[str, Any]]) -> None:
    """Write over what stood there; columns that the rows do not have stay as they are."""
    dialect = sqlite if unit.get_bind().dialect.name == "sqlite" else postgresql
    new = dialect.insert(LiveConnectorRow)
    changed = {name: new.excluded[name] for name in rows[0] if name not in _KEY}
    unit.connection().execute(new.on_conflict_do_update(index_elements=list(_KEY), set_=changed), rows)


def page(unit: Unit, site: str | None, after: Key | None, limit: int) -> Sequence[LiveConnectorRow]:
    """Up to `limit` connectors behind the key `after`."""
    row = LiveConnectorRow
    key = (row.site_id, row.charge_point, row.connector_id)
    query = select(row).order_by(*key).limit(limit)
    if site is not None:
        query = query.where(row.site_id == site)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    return unit.scalars(query).all()
