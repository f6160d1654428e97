"""What an edge's word means for its commands."""

from __future__ import annotations

from collections.abc import Sequence

from cloud.commands import repository
from cloud.commands.schemas import Effect
from cloud.commands.service.lifecycle import may_move
from cloud.commands.service.remembering import remember
from cloud.commands.service.waking import command_key
from cloud.db.database import Unit
from cloud.models.commands import CommandRow
from cloud.models.received import Received
from cloud.observability.redaction import hide
from contract.commands import FINAL_STATES, CommandState
from contract.events import CommandProgressed, RemoteStartConcluded


def progressed(unit: Unit, events: Sequence[Received[CommandProgressed]]) -> None:
    """A command moved on at the edge. Every word is noted; only an allowed move moves the state.

    One that is not known was given in hours that a restored database has lost: it is written again, as far as told.

    Raises:
        NotFoundError: it is another site's command.
    """
    repository.lock_site(unit, events[0].site)
    for event in events:
        _progress(unit, repository.of_site(unit, event.site, event.data.command) or remember(unit, event), event)


def remote_start_concluded(unit: Unit, events: Sequence[Received[RemoteStartConcluded]]) -> None:
    """A remote start has become a transaction, or nothing. One that was asked for at the site is no command."""
    repository.lock_site(unit, events[0].site)
    for event in events:
        command = event.data.command
        row = None if command is None else repository.of_site(unit, event.site, command)
        if row is not None:
            row.effect = Effect(
                outcome=event.data.outcome, transaction=event.data.transaction, at=event.envelope.occurred_at
            ).model_dump(mode="json")
    unit.flush()


def _progress(unit: Unit, row: CommandRow, event: Received[CommandProgressed]) -> None:
    data = event.data
    moves = may_move(CommandState(row.state), data.state, guessed=row.guessed)
    if moves:
        row.state, row.guessed = data.state.value, False
        row.answer = data.answer
        if data.state in FINAL_STATES:
            row.payload = hide(row.payload)  # no password is kept longer than its command needs it
        row.error = data.error.model_dump(mode="json") if data.error else None
    repository.add_transition(
        unit,
        row,
        data.state,
        at=data.at,
        received_at=event.received_at,
        applied=moves,
        event=event.envelope.id,
    )
    unit.ring_after_commit(command_key(row.command))  # not the edge, which has said it: nothing is there to pull
