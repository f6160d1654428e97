"""Commands as the API shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import TypeAdapter

from contract.commands import CommandError, CommandState
from contract.model import Record, UtcDatetime

Key = tuple[datetime, UUID]
"""The sort key of a command: when it was made, and its identity."""

KEY = TypeAdapter[Key](Key)


class Transition(Record):
    """One move of a command, as it was told."""

    state: CommandState
    at: UtcDatetime
    """By the clock of who told it."""
    received_at: UtcDatetime
    """By the cloud's clock."""
    told_by: Literal["edge", "cloud"]
    applied: bool
    """False: it came too late, or out of order, and moved nothing."""


class Effect(Record):
    """What came of a remote start that the charge point had accepted."""

    outcome: str
    """`Started`, or `NoTransaction`: none began in time."""
    transaction: UUID | None
    """The transaction that began; `null`: none did."""
    at: UtcDatetime
    """By the edge's clock."""


class Command(Record):
    """One command."""

    command: UUID
    site: str
    charge_point: str
    """Empty, as `action` and `requested_by`: a restored database has forgotten it, and its edge does not say."""
    action: str
    """The OCPP action, for example `RemoteStartTransaction`."""
    payload: dict[str, Any]
    """The OCPP request, camelCase; empty where a restored database has forgotten it."""
    state: CommandState
    overdue: bool
    """It was handed out, its deadline has passed and nobody has told how it ended. The cloud's guess, not a state."""
    requested_by: str
    created_at: UtcDatetime
    deadline: UtcDatetime
    handed_out_at: UtcDatetime | None
    """When the edge was first given it; `None`: not yet."""
    cancel_requested_at: UtcDatetime | None
    answer: dict[str, Any] | None
    """The OCPP answer as the charge point gave it."""
    error: CommandError | None
    effect: Effect | None = None
    """Of a remote start; `null`: nothing was told so far."""


class FollowedCommand(Command):
    """One command with its whole way."""

    transitions: list[Transition]


@dataclass(frozen=True, slots=True)
class CommandFilter:
    """Of commands. All conditions hold together; `None`: any."""

    site: str | None = None
    charge_point: str | None = None
    state: CommandState | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A command that somebody asks for."""

    site: str
    charge_point: str
    action: str
    payload: dict[str, Any]
    requested_by: str
