"""May a command move from one state to another? No I/O."""

from __future__ import annotations

from datetime import datetime

from contract.commands import FINAL_STATES, TRANSITIONS, CommandState


def may_move(state: CommandState, to: CommandState, *, guessed: bool) -> bool:
    """Whether the edge's word moves a command.

    Args:
        state: where the cloud sees it.
        to: what the edge tells.
        guessed: the cloud came to `state` by itself. What the edge knows wins over that.
    """
    if guessed:
        return to is not CommandState.CREATED
    return to in TRANSITIONS[state]


def is_overdue(state: CommandState, deadline: datetime, handed_out_at: datetime | None, now: datetime) -> bool:
    """Whether a command was handed out, is late, and nobody has told how it ended."""
    return handed_out_at is not None and state not in FINAL_STATES and deadline <= now


def is_lost(state: CommandState, deadline: datetime, now: datetime) -> bool:
    """Whether a command that its edge asks for once more can be declared expired.

    The edge asks for what is above the highest number that it has stored: so it does not have this one. Late
    commands are not handed out, and a copy still under way is late for the edge too, which counts from its request.
    """
    return state is CommandState.CREATED and deadline <= now
