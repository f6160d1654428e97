"""The life of a command at the edge: from a stored state and what happened to the next state. No I/O.

```
DELIVERED ── start asked, in time ──▶ STARTED ── agreed ──────────▶ SUCCEEDED
    │ ├───── start asked, too late ─▶ EXPIRED    ├── answered no ─▶ REJECTED
    │ └───── cancel asked ──────────▶ CANCELED   ├── no answer ───▶ FAILED
    └─────── cannot be called ──────▶ FAILED     └── crash ───────▶ INTERRUPTED, or called again when that does no harm
```
Every step is one of `contract.commands.TRANSITIONS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contract.commands import TRANSITIONS, CommandError, CommandErrorCode, CommandState
from contract.operations import BY_ACTION
from edge.errors import (
    CallFailedError,
    CallTimeoutError,
    IllegalStepError,
    NoConnectorError,
    NotConnectedError,
    TooLateError,
    UnknownChargePointError,
)

LONGEST_DETAIL = 500
"""Characters of an unforeseen error that the cloud is told."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a command must have been sent: boot-clock seconds, which mean something only within one boot."""

    boot_id: str
    boottime: float

    def is_ahead(self, boot_id: str, boottime: float) -> bool:
        """Whether there is still time. After a restart of the machine there is none: nobody knows how long it was."""
        return boot_id == self.boot_id and boottime < self.boottime


@dataclass(frozen=True, slots=True)
class StartAsked:
    """It is this command's turn."""

    in_time: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """The charge point answered with a CALLRESULT."""

    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no usable answer."""

    error: CommandError


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """The cloud takes the command back."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """The edge started again and found the command under way."""

    in_time: bool


Happening = StartAsked | Answered | Failed | CancelAsked | Recovered


@dataclass(frozen=True, slots=True)
class Step:
    """The state to write, and what to tell with it."""

    state: CommandState
    answer: dict[str, Any] | None = None
    error: CommandError | None = None


def step(state: CommandState, action: str, happened: Happening) -> Step | None:
    """Decide where a command goes.

    Args:
        state: as stored.
        action: the OCPP action.
        happened: what happened to it.

    Returns:
        The step to commit. `None`: the stored state stands; after `Recovered` that means: make the call again.

    Raises:
        IllegalStepError: that cannot happen in this state; nothing is to be changed.
    """
    wanted = _wanted(state, action, happened)
    if wanted is not None and wanted.state not in TRANSITIONS[state]:
        raise IllegalStepError(f"A command that is {state} cannot become {wanted.state}: {happened}")
    return wanted


def _wanted(state: CommandState, action: str, happened: Happening) -> Step | None:
    match happened:
        case StartAsked(in_time):
            return _start(action) if in_time else Step(CommandState.EXPIRED)
        case Answered(answer):
            return Step(_verdict(action, answer), answer=answer)
        case Failed(error):
            return Step(CommandState.FAILED, error=error)
        case CancelAsked():  # a request: what has started, goes on
            return Step(CommandState.CANCELED) if CommandState.CANCELED in TRANSITIONS[state] else None
        case _:
            return _recover(state, action, in_time=happened.in_time)


def _start(action: str) -> Step:
    if action not in BY_ACTION:
        detail = f"This edge does not know the operation {action}; a newer release may."
        return Step(CommandState.FAILED, error=CommandError(code=CommandErrorCode.INTERNAL, detail=detail))
    return Step(CommandState.STARTED)


def _verdict(action: str, answer: dict[str, Any]) -> CommandState:
    agreed = BY_ACTION[action].agreed
    return CommandState.SUCCEEDED if not agreed or answer.get("status") in agreed else CommandState.REJECTED


def _recover(state: CommandState, action: str, *, in_time: bool) -> Step | None:
    operation = BY_ACTION.get(action)  # after a downgrade it may be unknown
    if state is CommandState.STARTED and in_time and operation is not None and operation.safe_to_repeat:
        return None
    return Step(CommandState.INTERRUPTED)


_CODES: dict[type[Exception], CommandErrorCode] = {
    CallFailedError: CommandErrorCode.CALL_ERROR,
    CallTimeoutError: CommandErrorCode.TIMEOUT,
    TooLateError: CommandErrorCode.TIMEOUT,
    NotConnectedError: CommandErrorCode.NOT_CONNECTED,
    UnknownChargePointError: CommandErrorCode.UNKNOWN_CHARGE_POINT,
    NoConnectorError: CommandErrorCode.NO_CONNECTOR,
}


def error_of(error: Exception) -> CommandError:
    """Put what went wrong with a call into the cloud's words."""
    code = _CODES.get(type(error), CommandErrorCode.INTERNAL)
    match error:
        case CallFailedError():
            return CommandError(code=code, detail=error.description or str(error), ocpp_code=error.code)
        case TooLateError():
            return CommandError(code=code, detail="not sent")
    detail = f"{type(error).__name__}: {error}"[:LONGEST_DETAIL] if code is CommandErrorCode.INTERNAL else str(error)
    return CommandError(code=code, detail=detail)
