"""References that must lead somewhere."""

from __future__ import annotations

from collections.abc import Collection

from cloud.db.database import Unit
from cloud.directory.repository import campus
from cloud.errors import InvalidFieldError, NotFoundError
from cloud.models.directory import TariffRow


def require_groups(unit: Unit, groups: Collection[str]) -> None:
    """Return when all are there.

    Raises:
        InvalidFieldError: one is not.
    """
    _require("groups", "group", campus.missing_groups(unit, groups), "GET /api/v1/groups lists all.")


def require_sites(unit: Unit, sites: Collection[str]) -> None:
    """Return when all are there.

    Raises:
        InvalidFieldError: one is not.
    """
    _require("sites", "site", campus.missing_sites(unit, sites), "GET /api/v1/sites lists all.")


def require_people(unit: Unit, people: Collection[str]) -> None:
    """Return when all are there.

    Raises:
        InvalidFieldError: one is not.
    """
    _require("person", "person", campus.missing_people(unit, people), "GET /api/v1/people lists all.")


def require_tariff(unit: Unit, tariff: str | None) -> None:
    """Return when it is there, or none is named.

    Raises:
        InvalidFieldError: it is not.
    """
    missing = [tariff] if tariff is not None and campus.one(unit, TariffRow, tariff) is None else []
    _require("tariff", "tariff", missing, "GET /api/v1/tariffs lists all.")


def unknown(noun: str, key: str, path: str) -> NotFoundError:
    """The error that a thing is not there. `path` lists those that are."""
    return NotFoundError(f"There is no {noun} {key}.", hint=f"GET /api/v1/{path} lists all.")


def _require(field: str, noun: str, missing: Collection[str], hint: str) -> None:
    for key in missing:
        raise InvalidFieldError(field, f"there is no {noun} {key}", hint=hint)
