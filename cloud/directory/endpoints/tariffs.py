"""`/api/v1/tariffs`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cloud.auth.dependencies import Operator
from cloud.clock import Now
from cloud.db.dependencies import TheDatabase
from cloud.db.paging import DEFAULT_LIMIT, After, Limit, decode_key
from cloud.directory.endpoints.parts import KEY, NOT_FOUND, TariffId, created
from cloud.directory.schemas import Tariff, TariffFields
from cloud.directory.service import tariffs
from contract.problems import Problem
from contract.resources import Page

router = APIRouter(prefix="/api/v1/tariffs", tags=["directory"])


@router.get("")
def get_tariffs(
    _operator: Operator, database: TheDatabase, cursor: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Tariff]:
    """The tariffs, by id."""
    key = decode_key(cursor, KEY)
    return tariffs.several(database, key[0] if key else None, limit)


@router.get("/{tariff}", responses=NOT_FOUND)
def get_tariff(_operator: Operator, database: TheDatabase, tariff: TariffId) -> Tariff:
    """One tariff."""
    return tariffs.one(database, tariff)


@router.put("/{tariff}", responses={201: {"model": Tariff, "description": "It is new."}})
def put_tariff(
    _operator: Operator, database: TheDatabase, now: Now, tariff: TariffId, fields: TariffFields, response: Response
) -> Tariff:
    """Add or replace a tariff."""
    shown, new = tariffs.put(database, tariff, fields, now)
    created(response, new=new)
    return shown


@router.delete("/{tariff}", status_code=204, responses={**NOT_FOUND, 409: {"model": Problem}})
def delete_tariff(_operator: Operator, database: TheDatabase, now: Now, tariff: TariffId) -> None:
    """Remove a tariff that no group pays by."""
    tariffs.remove(database, tariff, now)
