"""Read charge points as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence

from cloud.charge_points import repository
from cloud.charge_points.schemas import Key
from cloud.db.database import Unit
from cloud.db.paging import page_of
from cloud.errors import UnknownChargePointError
from cloud.models.charging import ChargePointRow, ConnectorRow
from contract.resources import ChargePoint, Connector, Page


def charge_points(unit: Unit, site: str | None, after: Key | None, limit: int) -> Page[ChargePoint]:
    """One page, by site and identity."""
    rows = repository.page(unit, site, after, limit + 1)
    connectors = repository.connectors(unit, rows)

    def item(row: ChargePointRow) -> ChargePoint:
        return _charge_point(row, connectors.get((row.site_id, row.charge_point), ()))

    return page_of(rows, limit, key=lambda row: (row.site_id, row.charge_point), item=item)


def charge_point(unit: Unit, site: str, identity: str) -> ChargePoint:
    """One charge point.

    Raises:
        UnknownChargePointError: there is none.
    """
    row = repository.by_identity(unit, site, [identity]).get(identity)
    if row is None:
        raise UnknownChargePointError(
            f"Site {site} has told of no charge point {identity}.", hint="GET /api/v1/charge-points lists all."
        )
    return _charge_point(row, repository.connectors(unit, [row])[site, identity])


def _charge_point(row: ChargePointRow, connectors: Sequence[ConnectorRow]) -> ChargePoint:
    return ChargePoint(
        site=row.site_id,
        charge_point=row.charge_point,
        connected=row.connected,
        registration_status=row.registration_status,
        vendor=row.vendor,
        model=row.model,
        serial_number=row.serial_number,
        firmware_version=row.firmware_version,
        last_seen_at=row.last_seen_at,
        connectors=[_connector(each) for each in connectors],
    )


def _connector(row: ConnectorRow) -> Connector:
    return Connector(
        connector_id=row.connector_id,
        status=row.status,
        error_code=row.error_code,
        info=row.info,
        status_at=row.status_at,
    )
