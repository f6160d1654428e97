"""Tariffs."""

from __future__ import annotations

from datetime import datetime

from cloud.db.database import Database, Unit
from cloud.db.paging import page_of
from cloud.directory.repository import campus
from cloud.directory.schemas import Tariff, TariffFields
from cloud.directory.service.checking import unknown
from cloud.directory.service.publishing import Touched, publish
from cloud.errors import InvalidFieldError, StillInUseError
from cloud.models.directory import TariffRow
from contract.resources import Page


def put(database: Database, tariff: str, fields: TariffFields, now: datetime) -> tuple[Tariff, bool]:
    """Add or replace a tariff; says, too, whether it is new.

    Raises:
        InvalidFieldError: it ends before it begins.
    """
    if fields.valid_from and fields.valid_until and fields.valid_until <= fields.valid_from:
        raise InvalidFieldError("valid_until", "is not after valid_from")
    with database.write() as unit:
        campus.lock(unit)
        row = campus.one(unit, TariffRow, tariff)
        new = row is None
        row = row or TariffRow(tariff=tariff)
        for name, value in fields:
            setattr(row, name, value)
        row.changed_at = now
        unit.add(row)
        publish(unit, Touched(tariffs={tariff}), now)
        return _shown(row), new


def remove(database: Database, tariff: str, now: datetime) -> None:
    """Remove a tariff that no group pays by.

    Raises:
        NotFoundError: there is none.
        StillInUseError: a group pays by it.
    """
    with database.write() as unit:
        campus.lock(unit)
        row = _found(unit, tariff)
        users = campus.links(unit, *campus.TARIFF_GROUPS, [tariff]).get(tariff, [])
        if users:
            raise StillInUseError(
                f"The group {users[0]} pays by the tariff {tariff}.", hint="Give its groups another tariff first."
            )
        unit.delete(row)
        publish(unit, Touched(tariffs={tariff}), now)


def one(database: Database, tariff: str) -> Tariff:
    """A tariff.

    Raises:
        NotFoundError: there is none.
    """
    with database.read() as unit:
        return _shown(_found(unit, tariff))


def several(database: Database, after: str | None, limit: int) -> Page[Tariff]:
    """One page, by id."""
    with database.read() as unit:
        rows = campus.page(unit, TariffRow.tariff, after, limit + 1)
    return page_of(rows, limit, key=lambda row: (row.tariff,), item=_shown)


def _found(unit: Unit, tariff: str) -> TariffRow:
    row = campus.one(unit, TariffRow, tariff)
    if row is None:
        raise unknown("tariff", tariff, "tariffs")
    return row


def _shown(row: TariffRow) -> Tariff:
    return Tariff.model_validate(row, from_attributes=True)
