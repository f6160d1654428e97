"""Liberal in: what a charge point sent, checked, and repaired where the meaning is plain.

A valid payload passes untouched. Otherwise the schema itself says how to read what came: unknown fields go, `null`
means absent, `1` and `"1"` are each other where the type is clear, text that is too long is cut, a word is found
whatever its case, a single thing is a list of one. The raw frame is kept by the caller whenever something was repaired.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge.errors import RemoteProtocolError
from edge.ocpp16.actions import FROM_CHARGE_POINT, KNOWN, NEVER_REFUSED
from edge.ocpp16.schemas import fault, schema, validator
from edge.ocpp16.spellings import canonical, whole_number
from edge.ocppj.frames import ErrorCode

_FROM_CHARGE_POINT = frozenset(FROM_CHARGE_POINT)
_NEVER_REFUSED = NEVER_REFUSED | {"BootNotification", "Heartbeat"}
_STATUS_ALONE = frozenset({"StatusNotification", "FirmwareStatusNotification", "DiagnosticsStatusNotification"})
"""A status that nobody knows is kept and answered, and changes nothing."""
_DEFAULTS = {
    "BootNotification": {"chargePointVendor": "", "chargePointModel": ""},
    "StatusNotification": {"errorCode": "NoError"},
}
_UNKNOWN_WORD = {"errorCode": "OtherError"}
"""What stands for a word that is not known, where the standard has one for that."""
_GAP: Any = object()
"""Stands for what cannot be read."""


@dataclass(slots=True)
class Intake:
    """A request that can be handled."""

    payload: dict[str, Any]
    doubt: str | None = None
    """Why the raw frame should be kept; `None`: the payload was valid as it came."""
    answer: dict[str, Any] | None = None
    """What is answered without asking a handler, which could do nothing with it; `None`: the handler answers."""


def take(action: str, payload: Any, doubt: str | None = None) -> Intake:  # noqa: ANN401 - any JSON
    """Check and repair a request.

    A transaction-related or security request is never refused (`NEVER_REFUSED`): what cannot be repaired is handed on
    with its doubt, and its handler reads what is there. A BootNotification is not either: refused, a charge point
    boots for ever.

    Args:
        action: its name.
        payload: as it came.
        doubt: why its frame has to be kept already.

    Raises:
        RemoteProtocolError: it cannot be handled; carries the CALLERROR code.
    """
    if action not in _FROM_CHARGE_POINT:
        if action in KNOWN:
            raise RemoteProtocolError(ErrorCode.NOT_SUPPORTED, f"{action} is not offered to charge points here.")
        raise RemoteProtocolError(ErrorCode.NOT_IMPLEMENTED, "OCPP 1.6 has no such action.")
    if validator(action).is_valid(payload):
        return Intake(payload, doubt)
    rules = schema(action)
    repaired = _completed(action, _repair(payload, rules))
    if action == "StatusNotification":
        _keep_error_code(payload, repaired)
    wrong = fault(action, repaired)
    if wrong is None:
        return Intake(repaired, doubt or "the payload broke the schema and was repaired")
    code, field, message = wrong
    text = f"{field} {message}" if field else f"The payload {message}"
    if action in _NEVER_REFUSED:
        readable = _readable(repaired, rules)
        return Intake(_completed(action, {} if readable is _GAP else readable), doubt or text)
    if action in _STATUS_ALONE and field == "status" and isinstance(repaired, dict) and repaired.get("status"):
        return Intake(repaired, doubt or text, answer={})
    raise RemoteProtocolError(code, text)


def _completed(action: str, payload: Any) -> Any:  # noqa: ANN401 - any JSON
    """Add what the standard requires and the meaning does not need."""
    defaults = _DEFAULTS.get(action)
    return payload if defaults is None or not isinstance(payload, dict) else defaults | payload


def _keep_error_code(before: Any, after: Any) -> None:  # noqa: ANN401 - any JSON
    """Keep an error code of a vendor's own where the standard has a place for one."""
    if isinstance(before, dict) and isinstance(after, dict) and "vendorErrorCode" not in after:
        given = before.get("errorCode")
        if isinstance(given, str) and given and given != after.get("errorCode"):
            after["vendorErrorCode"] = given[:50]


def _repair(value: Any, rules: dict[str, Any], name: str = "") -> Any:  # noqa: ANN401 - any JSON
    """Read `value` as its schema means it; what cannot be read stays as it is."""
    match rules.get("type"):
        case "object" if isinstance(value, dict):
            return _repair_object(value, rules.get("properties", {}))
        case "array":
            items = [value] if isinstance(value, dict) and value else value
            if isinstance(items, list):
                return [_repair(item, rules["items"]) for item in items if item is not None]
            return value
        case "string":
            return _repair_string(value, rules, name)
        case "integer":
            return _repair_integer(value)
        case _:
            return value


def _repair_object(value: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    given = value
    if not value.keys() <= properties.keys():  # a name may be spelled in another case
        names = {name.lower(): name for name in properties}
        given = {names.get(name.lower(), name): field for name, field in value.items()} | {
            name: field for name, field in value.items() if name in properties
        }
    repaired = {
        name: _repair(given[name], properties[name], name)
        for name in properties
        if name in given and given[name] is not None
    }
    return {name: field for name, field in repaired.items() if field is not _GAP}


def _repair_string(value: Any, rules: dict[str, Any], name: str) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        return value
    if "enum" in rules and value not in rules["enum"]:
        return _repair_word(value, rules["enum"], name)
    return value[: rules["maxLength"]] if "maxLength" in rules else value


def _repair_word(word: str, allowed: list[str], name: str) -> Any:  # noqa: ANN401 - a word or a gap
    known = canonical(word, allowed)
    if known is None:
        return _UNKNOWN_WORD.get(name, word)
    return known or _GAP


def _repair_integer(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, int):  # as it should be; or a boolean, which is no number
        return value
    try:
        return round(float(value))
    except (TypeError, ValueError, OverflowError):
        number = whole_number(value) if isinstance(value, str) else None
        return value if number is None else number


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
