"""What the end of a command means to the program that asked for it. No I/O."""

from __future__ import annotations

from http import HTTPStatus

from cloud.commands.schemas import Command
from cloud.errors import CommandFailedError
from contract.commands import CommandErrorCode, CommandState

_UNSURE = "The charge point may or may not have obeyed: look at its state before asking again."

_FAILURES: dict[CommandErrorCode, tuple[str, HTTPStatus, str]] = {
    CommandErrorCode.UNKNOWN_CHARGE_POINT: (
        "unknown-charge-point",
        HTTPStatus.NOT_FOUND,
        "The site no longer knows this charge point.",
    ),
    CommandErrorCode.NOT_CONNECTED: (
        "not-connected",
        HTTPStatus.CONFLICT,
        "Ask again when the charge point is back; its page shows when it was last seen.",
    ),
    CommandErrorCode.NO_CONNECTOR: (
        "no-free-connector",
        HTTPStatus.CONFLICT,
        "Wait until a connector is free, or name one.",
    ),
    CommandErrorCode.CALL_ERROR: (
        "call-error",
        HTTPStatus.BAD_GATEWAY,
        "The charge point could not process the call; ocpp_code says how it sees it.",
    ),
    CommandErrorCode.TIMEOUT: (
        "no-answer-in-time",
        HTTPStatus.GATEWAY_TIMEOUT,
        _UNSURE,
    ),
    CommandErrorCode.NOT_SENT: ("too-late", HTTPStatus.GATEWAY_TIMEOUT, "Nothing was done; ask again."),
    CommandErrorCode.UNSUITABLE: (
        "unsuitable-operation",
        HTTPStatus.CONFLICT,
        "Nothing was sent; change what is named.",
    ),
    CommandErrorCode.INTERNAL: ("edge-internal", HTTPStatus.BAD_GATEWAY, "The edge's log says more."),
}


def failure(command: Command) -> CommandFailedError | None:
    """How a command failed; `None`: it did not, or not yet."""
    match command.state:
        case CommandState.FAILED:
            return _failed(command)
        case CommandState.INTERRUPTED | CommandState.EXPIRED if command.error:  # the cloud's conclusion, and its reason
            return CommandFailedError(
                command.error.detail,
                kind=command.state.lower(),
                status=HTTPStatus.GATEWAY_TIMEOUT if command.state is CommandState.EXPIRED else HTTPStatus.BAD_GATEWAY,
                hint=_UNSURE,
                command=str(command.command),
            )
        case CommandState.INTERRUPTED:
            return CommandFailedError(
                "The edge restarted while the call was under way.",
                kind="interrupted",
                status=HTTPStatus.BAD_GATEWAY,
                hint=_UNSURE,
                command=str(command.command),
            )
        case CommandState.EXPIRED:
            return CommandFailedError(
                "The command's time ran out before it was started.",
                kind="expired",
                status=HTTPStatus.GATEWAY_TIMEOUT,
                hint="Nothing was done. Look at the site's link, then ask again.",
                command=str(command.command),
            )
        case CommandState.CANCELED:
            return CommandFailedError(
                "The command was taken back before it was started.",
                kind="canceled",
                status=HTTPStatus.CONFLICT,
                hint="Nothing was done.",
                command=str(command.command),
            )
        case _:
            return None


def _failed(command: Command) -> CommandFailedError:
    code = command.error.code if command.error else CommandErrorCode.INTERNAL
    kind, status, hint = _FAILURES[code]
    return CommandFailedError(
        command.error.detail if command.error and command.error.detail else f"The command failed: {code}.",
        kind=kind,
        status=status,
        hint=hint,
        command=str(command.command),
        **({"ocpp_code": command.error.ocpp_code} if command.error and command.error.ocpp_code else {}),
    )
