"""The SQL of charge points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import select, tuple_, update

from cloud.charge_points.schemas import Key
from cloud.db.database import Unit
from cloud.models.charging import ChargePointRow, ConnectorRow


def by_identity(unit: Unit, site: str, identities: Collection[str]) -> dict[str, ChargePointRow]:
    """Those of a site's charge points that are there."""
    rows = unit.scalars(
        select(ChargePointRow).where(ChargePointRow.site_id == site, ChargePointRow.charge_point.in_(identities))
    )
    return {row.charge_point: row for row in rows}


def connector(unit: Unit, site: str, charge_point: str, connector_id: int) -> ConnectorRow | None:
    """One connector."""
    return unit.get(ConnectorRow, (site, charge_point, connector_id))


def disconnect_all(unit: Unit, site: str) -> None:
    """No charge point of the site is connected any more."""
    unit.execute(update(ChargePointRow).where(ChargePointRow.site_id == site).values(connected=False))


def page(unit: Unit, site: str | None, after: Key | None, limit: int) -> Sequence[ChargePointRow]:
    """Up to `limit` charge points behind the key `after`, by site and identity."""
    row = ChargePointRow
    query = select(row).order_by(row.site_id, row.charge_point).limit(limit)
    if site is not None:
        query = query.where(row.site_id == site)
    if after is not None:
        query = query.where(tuple_(row.site_id, row.charge_point) > tuple_(*after))
    return unit.scalars(query).all()


def connectors(unit: Unit, owners: Sequence[ChargePointRow]) -> dict[Key, list[ConnectorRow]]:
    """The connectors of some charge points, in their order."""
    found: defaultdict[Key, list[ConnectorRow]] = defaultdict(list)
    row = ConnectorRow
    keys = [(owner.site_id, owner.charge_point) for owner in owners]
    if keys:
        query = select(row).where(tuple_(row.site_id, row.charge_point).in_(keys)).order_by(row.connector_id)
        for each in unit.scalars(query):
            found[each.site_id, each.charge_point].append(each)
    return found
