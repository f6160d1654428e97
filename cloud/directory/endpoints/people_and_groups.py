"""`/api/v1/people` and `/api/v1/groups`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cloud.auth.dependencies import Operator
from cloud.clock import Now
from cloud.db.dependencies import TheDatabase
from cloud.db.paging import DEFAULT_LIMIT, After, Limit, decode_key
from cloud.directory.endpoints.parts import KEY, NOT_FOUND, GroupId, PersonId, created
from cloud.directory.schemas import Group, GroupFields, Person, PersonFields
from cloud.directory.service import groups, people
from contract.resources import Page

router = APIRouter(prefix="/api/v1", tags=["directory"])


@router.get("/people")
def get_people(
    _operator: Operator, database: TheDatabase, cursor: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Person]:
    """The people of the campus, by id."""
    key = decode_key(cursor, KEY)
    return people.several(database, key[0] if key else None, limit)


@router.get("/people/{person}", responses=NOT_FOUND)
def get_person(_operator: Operator, database: TheDatabase, person: PersonId) -> Person:
    """One person."""
    return people.one(database, person)


@router.put("/people/{person}", responses={201: {"model": Person, "description": "They are new."}})
def put_person(
    _operator: Operator, database: TheDatabase, now: Now, person: PersonId, fields: PersonFields, response: Response
) -> Person:
    """Add or replace a person: their id tags charge where their groups may."""
    shown, new = people.put(database, person, fields, now)
    created(response, new=new)
    return shown


@router.delete("/people/{person}", status_code=204, responses=NOT_FOUND)
def delete_person(_operator: Operator, database: TheDatabase, now: Now, person: PersonId) -> None:
    """Remove a person. Their id tags stay, as nobody's, and charge only where they are granted it by themselves."""
    people.remove(database, person, now)


@router.get("/groups")
def get_groups(
    _operator: Operator, database: TheDatabase, cursor: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Group]:
    """The groups of the campus, by id."""
    key = decode_key(cursor, KEY)
    return groups.several(database, key[0] if key else None, limit)


@router.get("/groups/{group}", responses=NOT_FOUND)
def get_group(_operator: Operator, database: TheDatabase, group: GroupId) -> Group:
    """One group."""
    return groups.one(database, group)


@router.put("/groups/{group}", responses={201: {"model": Group, "description": "It is new."}})
def put_group(
    _operator: Operator, database: TheDatabase, now: Now, group: GroupId, fields: GroupFields, response: Response
) -> Group:
    """Add or replace a group: its members charge at its sites, by its tariff."""
    shown, new = groups.put(database, group, fields, now)
    created(response, new=new)
    return shown


@router.delete("/groups/{group}", status_code=204, responses=NOT_FOUND)
def delete_group(_operator: Operator, database: TheDatabase, now: Now, group: GroupId) -> None:
    """Remove a group: whoever charged through it alone charges no more."""
    groups.remove(database, group, now)
