"""Commands that this database has forgotten, and their edge has not: it was restored from a backup, or they are old."""

from __future__ import annotations

from cloud.commands import repository
from cloud.db.database import Unit
from cloud.errors import NotFoundError
from cloud.models.commands import CommandRow
from cloud.models.received import Received
from contract.commands import CommandState
from contract.events import CommandProgressed


def remember(unit: Unit, event: Received[CommandProgressed]) -> CommandRow:
    """Make room for what the edge tells of a command: as much of it as the edge says. The site must be locked.

    Raises:
        NotFoundError: it is another site's.
    """
    data = event.data
    if repository.one(unit, data.command) is not None:
        raise NotFoundError(f"Site {event.site} was never given the command {data.command}.")
    row = CommandRow(
        site_id=event.site,
        command=data.command,
        charge_point=data.charge_point or "",
        action=data.action or "",
        payload={},
        requested_by="",
        created_at=data.at,
        deadline=data.at,
        state=CommandState.CREATED.value,
        moves=0,
        guessed=True,
        handed_out_at=data.at,
    )
    unit.add(row)
    unit.flush()
    return row
