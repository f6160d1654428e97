"""The life of a command: its states, the moves that are allowed, and how long each operation may live."""

from __future__ import annotations

from enum import StrEnum

from contract.model import Record


class CommandState(StrEnum):
    """Where a command is. Only the edge decides once it was handed out."""

    CREATED = "CREATED"
    """The cloud has it on disk."""
    DELIVERED = "DELIVERED"
    """The edge has it on disk."""
    STARTED = "STARTED"
    """The edge committed that it is about to send the OCPP call."""
    SUCCEEDED = "SUCCEEDED"
    """The charge point agreed."""
    REJECTED = "REJECTED"
    """The charge point answered no."""
    FAILED = "FAILED"
    """No usable answer: not connected, CALLERROR, silence. `error` says which."""
    INTERRUPTED = "INTERRUPTED"
    """The edge crashed after STARTED and cannot tell what happened."""
    EXPIRED = "EXPIRED"
    """Its time ran out before it was started."""
    CANCELED = "CANCELED"
    """Taken back before it was started."""


FINAL_STATES = frozenset(
    {
        CommandState.SUCCEEDED,
        CommandState.REJECTED,
        CommandState.FAILED,
        CommandState.INTERRUPTED,
        CommandState.EXPIRED,
        CommandState.CANCELED,
    }
)

TRANSITIONS: dict[CommandState, frozenset[CommandState]] = {
    CommandState.CREATED: frozenset({CommandState.DELIVERED, CommandState.EXPIRED, CommandState.CANCELED}),
    CommandState.DELIVERED: frozenset(
        {CommandState.STARTED, CommandState.FAILED, CommandState.EXPIRED, CommandState.CANCELED}
    ),
    CommandState.STARTED: frozenset(
        {CommandState.SUCCEEDED, CommandState.REJECTED, CommandState.FAILED, CommandState.INTERRUPTED}
    ),
    **{state: frozenset[CommandState]() for state in FINAL_STATES},
}
"""Each state's allowed successors. Drawn in `docs/explanation`."""


class CommandErrorCode(StrEnum):
    """Why a command FAILED."""

    UNKNOWN_CHARGE_POINT = "UnknownChargePoint"
    NOT_CONNECTED = "NotConnected"
    NO_CONNECTOR = "NoConnector"
    """A start named no connector and none is free."""
    CALL_ERROR = "CallError"
    """The charge point answered CALLERROR; `ocpp_code` and `detail` repeat it."""
    TIMEOUT = "Timeout"
    """No answer in time; the charge point may or may not have obeyed."""
    NOT_SENT = "NotSent"
    """Its time ran out before it could be sent; nothing was done."""
    UNSUITABLE = "Unsuitable"
    """The edge knows that this charge point cannot take it, and sent nothing; `detail` says why."""
    INTERNAL = "Internal"


class CommandError(Record):
    """Why a command FAILED, in a form that a person and a program can use."""

    code: CommandErrorCode
    detail: str
    ocpp_code: str | None = None
