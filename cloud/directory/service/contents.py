"""What goes down of a row of the campus: no more than an edge needs. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cloud.models.directory import GroupRow, IdTagRow, PersonRow, SitePolicyRow, TariffRow
from contract.directory import (
    DirectoryGroup,
    DirectoryIdTag,
    DirectoryPerson,
    DirectoryPolicy,
    DirectoryTariff,
    IdTagStatus,
)
from contract.model import Record


@dataclass(frozen=True, slots=True)
class Content:
    """The content of an entry."""

    content: dict[str, Any]
    urgent: bool = False
    """It goes down before others."""


def of_id_tag(row: IdTagRow) -> Content:
    """Without its note; with its person's opaque id alone."""
    entry = DirectoryIdTag.model_validate(
        {
            "id_tag": row.id_tag,
            "status": row.status,
            "status_since": row.status_since,
            "expires_at": row.expires_at,
            "parent_id_tag": row.parent_id_tag,
            "person": row.person,
            "version": row.version,
        }
    )
    return Content(_json(entry), urgent=entry.status is not IdTagStatus.ACCEPTED)


def of_group(row: GroupRow) -> Content:
    """Its name and its tariff."""
    return Content(_json(DirectoryGroup(name=row.name, tariff=row.tariff)))


def of_person(row: PersonRow, groups: list[str], *, shows_name: bool) -> Content:
    """The groups that count at the site; the name only where it is shown."""
    return Content(_json(DirectoryPerson(groups=groups, display_name=row.display_name if shows_name else None)))


def of_tariff(row: TariffRow) -> Content:
    """All of it."""
    return Content(_json(DirectoryTariff.model_validate(row, from_attributes=True)))


def of_policy(row: SitePolicyRow) -> Content:
    """All of it."""
    return Content(_json(DirectoryPolicy.model_validate(row, from_attributes=True)))


def _json(entry: Record) -> dict[str, Any]:
    return entry.model_dump(mode="json", exclude_none=True)
