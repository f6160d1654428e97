"""Commands that were with an edge whose disk is gone or old: nobody tells how they ended, and none may run twice."""

from __future__ import annotations

from datetime import datetime

from cloud.commands import repository
from cloud.commands.service.waking import ring
from cloud.db.database import Unit
from cloud.models.commands import CommandRow
from contract.commands import CommandError, CommandErrorCode, CommandState

_WHY = "The edge was re-imaged or restored; whether the charge point was called is not known."


def abandon(unit: Unit, site: str, now: datetime) -> None:
    """End all that the site's edge was given, and that it has not ended itself."""
    repository.lock_site(unit, site)
    for row in repository.with_the_edge(unit, site):
        _end(unit, row, now)


def _end(unit: Unit, row: CommandRow, now: datetime) -> None:
    started = row.state == CommandState.STARTED.value
    state = CommandState.INTERRUPTED if started else CommandState.EXPIRED
    row.state, row.guessed = state.value, True
    row.error = CommandError(code=CommandErrorCode.INTERNAL, detail=_WHY).model_dump(mode="json")
    repository.add_transition(unit, row, state, at=now, received_at=now)
    ring(unit, row)
