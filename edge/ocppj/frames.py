"""The three frames of OCPP-J and their JSON form (OCPP-J 1.6 §4.2 "Message structures for different message types")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypedDict

import orjson

from edge.errors import RemoteProtocolError

MessageId = str | int | float
"""A string by the standard; numbers are seen, and are echoed as numbers."""

_ID_TYPES = (str, int, float)  # by `type`, since a boolean is an integer too

CALL = 2
CALL_RESULT = 3
CALL_ERROR = 4

_CALL_START = re.compile(
    r'^[\s\ufeff\0]*\[\s*2\s*,\s*(?:"([^"\\\ud800-\udfff]{1,255})"|(-?\d{1,18})(?=\s*,))(?:\s*,\s*"([A-Za-z]{1,40})")?'
)


class ErrorCode:
    """The CALLERROR codes as OCPP-J 1.6 §4.2.3 spells them; two spellings are odd and frozen (errata §5.1, §5.2)."""

    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    PROTOCOL_ERROR = "ProtocolError"
    SECURITY_ERROR = "SecurityError"
    FORMATION_VIOLATION = "FormationViolation"
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    OCCURENCE_CONSTRAINT_VIOLATION = "OccurenceConstraintViolation"
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"
    GENERIC_ERROR = "GenericError"


_CODES = {code.lower(): code for name, code in vars(ErrorCode).items() if name.isupper()} | {
    "occurrenceconstraintviolation": ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
    "formatviolation": ErrorCode.FORMATION_VIOLATION,
}
"""How a charge point may spell them: also as OCPP 2.0.1 does."""


@dataclass(slots=True)
class Call:
    """A request."""

    message_id: MessageId
    action: str
    payload: Any
    """A JSON object by the standard; `null` arrives as `{}`, anything else as it is."""
    doubt: str | None = None
    """Why the frame as it came should be kept: it was no JSON, and was mended. `None`: it was good."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """A good answer."""

    message_id: MessageId
    payload: Any


@dataclass(frozen=True, slots=True)
class CallError:
    """A refusal to answer."""

    message_id: MessageId
    code: str
    """One of `ErrorCode`."""
    description: str
    """As it came; begins with the code where OCPP 1.6 does not know it."""


Frame = Call | CallResult | CallError


class _Guess(TypedDict):
    message_id: MessageId | None
    action: str | None


def parse(text: str | bytes) -> Frame | None:
    """Read one WebSocket message.

    Returns:
        The frame; `None` for what the standard tells to ignore: an unknown message type (§4.1.3), an empty keep-alive.

    Raises:
        RemoteProtocolError: no frame. `message_id` is set when a CALL's id could be read, so that it can be answered.
    """
    if not text:
        return None
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RemoteProtocolError(
            ErrorCode.FORMATION_VIOLATION, "The message is no valid JSON.", **_guess(text)
        ) from error
    if not isinstance(frame, list) or len(frame) < 2:  # noqa: PLR2004 - type and id
        raise RemoteProtocolError(ErrorCode.FORMATION_VIOLATION, "The message is no OCPP-J frame.")
    kind, message_id = frame[0], frame[1]
    if type(message_id) not in _ID_TYPES:
        raise RemoteProtocolError(ErrorCode.FORMATION_VIOLATION, "The message has no usable id.")
    if kind == CALL:
        return _call(message_id, frame)
    if kind == CALL_RESULT:
        return CallResult(message_id, _payload(frame, 2))
    if kind == CALL_ERROR:
        return _call_error(message_id, _text(frame, 2), _text(frame, 3))
    return None


def _call(message_id: MessageId, frame: list[Any]) -> Call:
    if len(frame) < 3 or not isinstance(frame[2], str):  # noqa: PLR2004 - the third element
        raise RemoteProtocolError(ErrorCode.PROTOCOL_ERROR, "A CALL needs an action.", message_id=message_id)
    payload = frame[3] if len(frame) > 3 else None  # noqa: PLR2004 - as `_payload` does, on the hot path
    return Call(message_id, frame[2], {} if payload is None else payload)


def _call_error(message_id: MessageId, spelled: str, description: str) -> CallError:
    code = _CODES.get(spelled.strip().lower())
    if code is None and spelled:
        description = f"{spelled}: {description}" if description else spelled
    return CallError(message_id, code or ErrorCode.GENERIC_ERROR, description)


def _payload(frame: list[Any], place: int) -> Any:  # noqa: ANN401 - any JSON
    """Read a payload; a missing one and `null` are an empty object (§4.2.1)."""
    payload = frame[place] if len(frame) > place else None
    return {} if payload is None else payload


def _text(frame: list[Any], place: int) -> str:
    text = frame[place] if len(frame) > place else ""
    return text if isinstance(text, str) else ""


def _guess(text: str | bytes) -> _Guess:
    """Read the id and the action off the beginning of a CALL that is no JSON as a whole."""
    head = text[:400] if isinstance(text, str) else text[:400].decode("utf-8", "replace")
    found = _CALL_START.match(head)
    if found is None:
        return {"message_id": None, "action": None}
    return {"message_id": found[1] if found[2] is None else int(found[2]), "action": found[3]}


def dump_call(message_id: str, action: str, payload: dict[str, Any]) -> bytes:
    """Write a CALL: compact, since small charge points have receive buffers of a few KiB."""
    return orjson.dumps([CALL, message_id, action, payload])


def dump_call_result(message_id: MessageId, payload: dict[str, Any]) -> bytes:
    """Write a CALLRESULT; the id goes back exactly as it came."""
    return orjson.dumps([CALL_RESULT, message_id, payload])


def dump_call_error(message_id: MessageId, code: str, description: str) -> bytes:
    """Write a CALLERROR: always five elements. `description` must not repeat the payload, which may hold secrets."""
    return orjson.dumps([CALL_ERROR, message_id, code, description[:255], {}])
