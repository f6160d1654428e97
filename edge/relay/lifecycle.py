"""The life of a command at the edge: from a stored state and what happened to the next state. No I/O.

```
DELIVERED ── start asked, in time ──▶ STARTED ── agreed ──────────▶ SUCCEEDED
    │ ├───── start asked, too late ─▶ EXPIRED    ├── answered no ─▶ REJECTED
    │ ├───── cancel asked ──────────▶ CANCELED   ├── no answer ───▶ FAILED
    │ └───── cannot be called ──────▶ FAILED     ├── crash ───────▶ called again where that does no harm;
    │                                            │              SUCCEEDED when its effect is seen; else INTERRUPTED
    └─────── another life had it ───▶ EXPIRED    └── another life ▶ INTERRUPTED
```
Every step is one of `contract.commands.TRANSITIONS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from contract.commands import FINAL_STATES, TRANSITIONS, CommandError, CommandErrorCode, CommandState
from contract.operations import BY_ACTION
from edge.errors import (
    CallFailedError,
    CallTimeoutError,
    ConnectionBrokeError,
    IllegalStepError,
    LastRootError,
    NoConnectorError,
    NotConnectedError,
    TooLateError,
    TooLongValueError,
    TooManyKeysError,
    UnknownChargePointError,
    UnreadableAnswerError,
    UnsuitableOperationError,
)

LONGEST_DETAIL = 500
"""Characters of an error that the cloud is told."""

LARGEST_ANSWER_BYTES = 256 * 1024
"""Of an answer's JSON. A larger one would hold up the money behind it."""

DEEPEST_ANSWER = 100
"""Levels of lists and objects. The cloud's parser ends at 200, and the event around the answer has some of its own."""


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


@dataclass(frozen=True, slots=True)
class EffectSeen:
    """After a crash the effect showed that the charge point had obeyed: a transaction began, it booted."""


@dataclass(frozen=True, slots=True)
class Forsaken:
    """The cloud took this edge for a restored one: a later life of this database may have run the command."""


Happening = StartAsked | Answered | Failed | CancelAsked | Recovered | EffectSeen | Forsaken

FORSAKEN = CommandError(
    code=CommandErrorCode.INTERNAL,
    detail="The edge was restored from a backup; whether the charge point was called before is not known.",
)


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
        The step to commit. `None`: the stored state stands; `Recovered` and STARTED: make the call again.

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
            return _judge(action, answer)
        case EffectSeen():
            return Step(CommandState.SUCCEEDED) if state is CommandState.STARTED else None
        case Failed(error):
            return Step(CommandState.FAILED, error=error)
        case CancelAsked():  # a request: what has started, goes on
            return Step(CommandState.CANCELED) if CommandState.CANCELED in TRANSITIONS[state] else None
        case _:
            return _recover(state, action, happened)


def _start(action: str) -> Step:
    if action not in BY_ACTION:
        detail = f"This edge does not know the operation {action}; a newer release may."
        return Step(CommandState.FAILED, error=CommandError(code=CommandErrorCode.INTERNAL, detail=detail))
    return Step(CommandState.STARTED)


def _judge(action: str, answer: dict[str, Any]) -> Step:
    agreed = BY_ACTION[action].agreed
    if not agreed:
        return Step(CommandState.SUCCEEDED, answer=answer)
    status = answer.get("status")
    if not isinstance(status, str):
        detail = f"The answer to {action} breaks the schema: its status is no text."
        error = CommandError(code=CommandErrorCode.CALL_ERROR, detail=detail)
        return Step(CommandState.FAILED, answer=answer, error=error)
    return Step(CommandState.SUCCEEDED if status in agreed else CommandState.REJECTED, answer=answer)


SHOWS_ITS_EFFECT = frozenset({"RemoteStartTransaction", "Reset"})
"""Not to be repeated after a crash, but seen when obeyed: a transaction begins, the charge point boots."""


def _recover(state: CommandState, action: str, happened: Recovered | Forsaken) -> Step | None:
    if isinstance(happened, Forsaken):
        ends = CommandState.INTERRUPTED if state is CommandState.STARTED else CommandState.EXPIRED
        return Step(ends, error=FORSAKEN)
    if state in FINAL_STATES:
        return None  # what came of it was on its way to the disk when it was found under way
    operation = BY_ACTION.get(action)  # after a downgrade it may be unknown
    if state is CommandState.STARTED and happened.in_time and operation is not None and operation.safe_to_repeat:
        return None
    return Step(CommandState.INTERRUPTED)


def hold_s(
    state: CommandState, action: str, deadline: Deadline, boot_id: str, boottime: float, patience_s: float
) -> float:
    """How long a command that lay in the store when the edge started waits for the first greeting.

    The store may be a backup, and a later life of it may have run the command: only the cloud can tell. One that may
    be repeated is not kept from its charge point for ever by a cloud that is away. Any other waits to its deadline,
    where it expires: better never than twice.

    Args:
        state: DELIVERED or STARTED.
        action: the OCPP action.
        deadline: when it must have been sent.
        boot_id: of this boot.
        boottime: now.
        patience_s: how long one waits that may be repeated.

    Returns:
        Seconds, not below 0: at once, where it will not be called anyway.
    """
    operation = BY_ACTION.get(action)
    may_repeat = operation is not None and operation.safe_to_repeat
    if not deadline.is_ahead(boot_id, boottime) or (state is CommandState.STARTED and not may_repeat):
        return 0.0
    left_s = deadline.boottime - boottime
    return min(left_s, patience_s) if may_repeat else left_s


_CODES: dict[type[Exception], CommandErrorCode] = {
    CallFailedError: CommandErrorCode.CALL_ERROR,
    UnreadableAnswerError: CommandErrorCode.CALL_ERROR,
    CallTimeoutError: CommandErrorCode.TIMEOUT,
    ConnectionBrokeError: CommandErrorCode.TIMEOUT,
    TooLateError: CommandErrorCode.NOT_SENT,
    NotConnectedError: CommandErrorCode.NOT_CONNECTED,
    UnknownChargePointError: CommandErrorCode.UNKNOWN_CHARGE_POINT,
    NoConnectorError: CommandErrorCode.NO_CONNECTOR,
    LastRootError: CommandErrorCode.UNSUITABLE,
    TooLongValueError: CommandErrorCode.UNSUITABLE,
    TooManyKeysError: CommandErrorCode.UNSUITABLE,
    UnsuitableOperationError: CommandErrorCode.UNSUITABLE,
}


def error_of(error: Exception) -> CommandError:
    """Put what went wrong with a call into the cloud's words."""
    code = _CODES.get(type(error), CommandErrorCode.INTERNAL)
    ocpp_code: str | None = None
    match error:
        case CallFailedError():
            detail, ocpp_code = error.description or str(error), error.code[:LONGEST_DETAIL]
        case TooLateError():
            detail = "Its time ran out before it could be sent."
        case _:
            detail = f"{type(error).__name__}: {error}" if code is CommandErrorCode.INTERNAL else str(error)
    return CommandError(code=code, detail=detail[:LONGEST_DETAIL], ocpp_code=ocpp_code)


def answer_of(answer: dict[str, Any]) -> Answered | Failed:
    """Take an answer as it came, unless the link cannot carry it: then say what is wrong with it."""
    try:
        size = len(orjson.dumps(answer))
    except orjson.JSONEncodeError as error:
        return unusable(f"The charge point's answer cannot be kept: {error}")
    if size > LARGEST_ANSWER_BYTES:
        return unusable(f"The charge point's answer is too large to be told: {size} bytes.")
    if _is_too_deep(answer):
        return unusable(f"The charge point's answer is nested too deeply: more than {DEEPEST_ANSWER} levels.")
    return Answered(answer)


def unusable(detail: str) -> Failed:
    """Something came of the call that cannot be told as it is."""
    return Failed(CommandError(code=CommandErrorCode.INTERNAL, detail=detail[:LONGEST_DETAIL]))


def _is_too_deep(answer: object) -> bool:
    layer = [answer]
    for _ in range(DEEPEST_ANSWER + 1):
        containers = [value for value in layer if isinstance(value, dict | list)]
        if not containers:
            return False
        layer = [inner for outer in containers for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return True
