"""Who is woken when a command changes."""

from __future__ import annotations

from uuid import UUID

from cloud.db.database import Unit
from cloud.models.commands import CommandRow
from cloud.models.waking import site_key, site_of

__all__ = ["command_key", "ring", "site_key", "site_of"]


def command_key(command: UUID) -> str:
    """Rung when the command has moved."""
    return f"command {command}"


def ring(unit: Unit, row: CommandRow) -> None:
    """Wake those who wait for this command, and its edge, after the commit."""
    unit.ring_after_commit(command_key(row.command))
    unit.ring_after_commit(site_key(row.site_id))
