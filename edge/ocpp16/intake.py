"""Liberal in: what a charge point sent, checked, and repaired where the meaning is plain.

A valid payload passes untouched. Otherwise the schema itself says how to read what came: unknown fields go, `null`
means absent, `1` and `"1"` are each other where the type is clear, text that is too long is cut. The raw frame is kept
by the caller whenever something was repaired.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge.errors import RemoteProtocolError
from edge.ocpp16.actions import FROM_CHARGE_POINT, KNOWN, NEVER_REFUSED
from edge.ocpp16.schemas import fault, schema, validator
from edge.ocppj.frames import ErrorCode

_FROM_CHARGE_POINT = frozenset(FROM_CHARGE_POINT)
_GAP: Any = object()
"""Stands for what cannot be read."""


@dataclass(slots=True)
class Intake:
    """A request that can be handled."""

    payload: dict[str, Any]
    doubt: str | None = None
    """Why the raw frame should be kept; `None`: the payload was valid as it came."""


def take(action: str, payload: Any) -> Intake:  # noqa: ANN401 - any JSON
    """Check and repair a request.

    A transaction-related or security request is never refused (`NEVER_REFUSED`): what cannot be repaired is handed on
    with its doubt, and its handler reads what is there.

    Raises:
        RemoteProtocolError: it cannot be handled; carries the CALLERROR code.
    """
    if action not in _FROM_CHARGE_POINT:
        if action in KNOWN:
            raise RemoteProtocolError(ErrorCode.NOT_SUPPORTED, f"{action} is not offered to charge points here.")
        raise RemoteProtocolError(ErrorCode.NOT_IMPLEMENTED, "OCPP 1.6 has no such action.")
    if validator(action).is_valid(payload):
        return Intake(payload)
    repaired = _repair(payload, schema(action))
    wrong = fault(action, repaired)
    if wrong is None:
        return Intake(repaired, doubt="the payload broke the schema and was repaired")
    code, field, message = wrong
    text = f"{field} {message}" if field else f"The payload {message}"
    if action in NEVER_REFUSED:
        readable = _readable(repaired, schema(action))
        return Intake({} if readable is _GAP else readable, doubt=text)
    raise RemoteProtocolError(code, text)


def _repair(value: Any, rules: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """Read `value` as its schema means it; what cannot be read stays as it is."""
    match rules.get("type"):
        case "object" if isinstance(value, dict):
            properties: dict[str, Any] = rules.get("properties", {})
            return {
                name: _repair(value[name], properties[name])
                for name in properties
                if name in value and value[name] is not None
            }
        case "array" if isinstance(value, list):
            return [_repair(item, rules["items"]) for item in value if item is not None]
        case "string":
            return _repair_string(value, rules)
        case "integer":
            return _repair_integer(value)
        case _:
            return value


def _repair_string(value: Any, rules: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        value = str(value)
    if isinstance(value, str) and "maxLength" in rules:
        return value[: rules["maxLength"]]
    return value


def _repair_integer(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, int):  # as it should be; or a boolean, which is no number
        return value
    try:
        return round(float(value))
    except (TypeError, ValueError, OverflowError):
        return value


def _readable(value: Any, rules: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """Leave out what is of another type than its schema says: a handler meets the right types, or gaps.

    An item of a list that holds such a thing goes whole, since half a sample would say something else.
    """
    match rules["type"]:
        case "object" if isinstance(value, dict):
            fields = {name: _readable(field, rules["properties"][name]) for name, field in value.items()}
            return {name: field for name, field in fields.items() if field is not _GAP}
        case "array" if isinstance(value, list):
            readable = [_readable(item, rules["items"]) for item in value]
            return [
                after
                for before, after in zip(value, readable, strict=True)
                if after is not _GAP and len(after) == len(before)
            ]
        case "string" if isinstance(value, str):
            return value
        case "integer" if isinstance(value, int) and not isinstance(value, bool):
            return value
    return _GAP
