"""People and the groups that they belong to."""

from __future__ import annotations

from datetime import datetime

from cloud.db.database import Database, Unit
from cloud.db.paging import page_of
from cloud.directory.repository import campus
from cloud.directory.schemas import Person, PersonFields
from cloud.directory.service.checking import require_groups, unknown
from cloud.directory.service.publishing import Touched, publish
from cloud.models.directory import IdTagRow, PersonRow
from contract.resources import Page


def put(database: Database, person: str, fields: PersonFields, now: datetime) -> tuple[Person, bool]:
    """Add or replace a person; says, too, whether they are new.

    Raises:
        InvalidFieldError: a group that there is not.
    """
    with database.write() as unit:
        campus.lock(unit)
        require_groups(unit, fields.groups)
        row = campus.one(unit, PersonRow, person)
        new = row is None
        row = row or PersonRow(person=person)
        row.display_name, row.changed_at = fields.display_name, now
        unit.add(row)
        unit.flush()
        campus.relink(unit, *campus.PERSON_GROUPS, {person: fields.groups})
        publish(unit, Touched(people={person}), now)
        return _shown(unit, row), new


def remove(database: Database, person: str, now: datetime) -> None:
    """Remove a person. Their id tags stay, as nobody's, and charge only where they are granted it by themselves.

    Raises:
        NotFoundError: there is none.
    """
    with database.write() as unit:
        campus.lock(unit)
        row = _found(unit, person)
        keys = campus.links(unit, *campus.PERSON_ID_TAGS, [person]).get(person, [])
        for tag in campus.some(unit, IdTagRow.key, keys):
            tag.person = None
            tag.version += 1
        campus.relink(unit, *campus.PERSON_GROUPS, {person: ()})
        unit.flush()
        unit.delete(row)
        publish(unit, Touched(people={person}, id_tags=set(keys)), now)


def one(database: Database, person: str) -> Person:
    """A person.

    Raises:
        NotFoundError: there is none.
    """
    with database.read() as unit:
        return _shown(unit, _found(unit, person))


def several(database: Database, after: str | None, limit: int) -> Page[Person]:
    """One page, by id."""
    with database.read() as unit:
        rows = campus.page(unit, PersonRow.person, after, limit + 1)
        return page_of(rows, limit, key=lambda row: (row.person,), item=lambda row: _shown(unit, row))


def _found(unit: Unit, person: str) -> PersonRow:
    row = campus.one(unit, PersonRow, person)
    if row is None:
        raise unknown("person", person, "people")
    return row


def _shown(unit: Unit, row: PersonRow) -> Person:
    groups = campus.links(unit, *campus.PERSON_GROUPS, [row.person]).get(row.person, [])
    return Person(person=row.person, display_name=row.display_name, groups=groups)
