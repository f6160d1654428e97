"""The directory as the API shows it and takes it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from contract.directory import DirectoryGroup, DirectorySet, DirectoryTariff, IdTagStatus
from contract.model import Record, UtcDatetime

MAX_ID_TAG = 20
"""OCPP 1.6 ed. 2 §7.28 "IdToken": CiString20Type."""
AT_ONCE = 1_000
"""Id tags of one request at most."""


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a NUL character")
    return text


def is_id_tag(text: str) -> bool:
    """Whether this may be an id tag."""
    return 1 <= len(text) <= MAX_ID_TAG and text.isascii() and text.isprintable()


def _id_tag(text: str) -> str:
    if not is_id_tag(text):
        raise ValueError(f"an id tag has 1 to {MAX_ID_TAG} printable ASCII characters")
    return text


IdTagName = Annotated[str, AfterValidator(_id_tag)]
Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""The id of a person, a group or a tariff: opaque to Gardu, and part of an address."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_no_nul)]
Note = Annotated[str, StringConstraints(max_length=500), AfterValidator(_no_nul)]
Some = Annotated[list[Slug], Field(max_length=200)]


class IdTagFields(Record):
    """What an operator decides about an id tag."""

    status: IdTagStatus
    expires_at: UtcDatetime | None = None
    """From then on it is answered Expired. `null`: it does not expire."""
    parent_id_tag: IdTagName | None = None
    """Id tags of one parent may stop each other's transactions."""
    person: Slug | None = None
    """Whose it is. It may charge wherever the person's groups may."""
    groups: Some = Field(default_factory=list)
    """Groups that it belongs to by itself, for example of a car pool."""
    sites: Some = Field(default_factory=list)
    """Sites that it is granted by itself. One that is added at a site's own console has that site here."""
    note: Note | None = None
    """Free text for the operator; it stays in the cloud."""


class NewIdTag(IdTagFields):
    """One of several id tags."""

    id_tag: IdTagName


class Conflict(Record):
    """An id tag was changed here and, unaware of that, at a site: what holds, and what does not."""

    conflict: UUID
    site: str
    id_tag: str
    at: UtcDatetime
    kept: dict[str, Any]
    """As it stood here: the later one by version."""
    discarded: dict[str, Any]
    """What the site had made of it, with who did that there."""


class IdTag(IdTagFields):
    """An id tag of the campus."""

    id_tag: str
    status_since: UtcDatetime
    version: int
    """Grows with each change, wherever it is made."""
    changed_at: UtcDatetime
    changed_by: str


class FollowedIdTag(IdTag):
    """An id tag, with the changes made at sites that were turned down."""

    conflicts: list[Conflict]
    """The latest ones, newest first."""


class Written(Record):
    """How many were written at once."""

    written: int
    new: int


class PersonFields(Record):
    """What is kept of a person."""

    display_name: Name | None = None
    """Goes down to the sites whose policy shows names, and to no other."""
    groups: Some = Field(default_factory=list)


class Person(PersonFields):
    """A person."""

    person: str


class GroupFields(DirectoryGroup):
    """A group, and where its members may charge."""

    name: Name
    tariff: Slug | None = None
    sites: Some = Field(default_factory=list)


class Group(GroupFields):
    """A group."""

    group: str


class TariffFields(DirectoryTariff):
    """What charging costs."""

    name: Name


class Tariff(TariffFields):
    """A tariff."""

    tariff: str


class SetState(Record):
    """One set of a site: what its edge should have, and what it has."""

    wanted: int
    """The version that the site should have."""
    wanted_entries: int
    applied: int | None
    """The version that its edge last said it has; `null`: none."""
    applied_entries: int | None
    applied_at: UtcDatetime | None
    """By the edge's clock."""
    received_at: UtcDatetime | None
    how: str | None
    in_step: bool
    """Whether the edge has this version of this cloud, and the same content."""
    same_content: bool | None
    """Whether what it has is the same. `null`: cannot be said, for it has another version."""


class SiteDirectory(Record):
    """The directory of one site."""

    site: str
    in_step: bool
    sets: dict[DirectorySet, SetState]
