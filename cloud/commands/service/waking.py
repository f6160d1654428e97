"""Who is woken when a command changes."""

from __future__ import annotations

from uuid import UUID

from cloud.db.database import Unit
from cloud.models.commands import CommandRow

_SITE = "commands of "


def site_key(site: str) -> str:
    """Rung when there may be something for the site's edge to pull."""
    return f"{_SITE}{site}"


def site_of(key: str) -> str | None:
    """The site whose `site_key` this is; `None`: it is another key."""
    return key.removeprefix(_SITE) if key.startswith(_SITE) else None


def command_key(command: UUID) -> str:
    """Rung when the command has moved."""
    return f"command {command}"


def ring(unit: Unit, row: CommandRow) -> None:
    """Wake those who wait for this command, and its edge, after the commit."""
    unit.ring_after_commit(command_key(row.command))
    unit.ring_after_commit(site_key(row.site_id))
