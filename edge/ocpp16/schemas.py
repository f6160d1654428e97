"""The official JSON schemas of OCPP 1.6, as the `ocpp` package carries them, compiled once (docs/adr/0002)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs
import orjson

from edge.ocppj.frames import ErrorCode

_CODE_BY_KEYWORD = {
    "required": ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
    "minItems": ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
    "maxItems": ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
    "additionalProperties": ErrorCode.FORMATION_VIOLATION,
    "type": ErrorCode.TYPE_CONSTRAINT_VIOLATION,
}


@cache
def schema(name: str) -> dict[str, Any]:
    """Load one schema, for example `StartTransaction` or `StartTransactionResponse`; its references are resolved.

    Raises:
        FileNotFoundError: OCPP 1.6 has no such message.
    """
    text = (files("ocpp.v16") / "schemas" / f"{name}.json").read_bytes()
    loaded: dict[str, Any] = orjson.loads(text.removeprefix(b"\xef\xbb\xbf"))
    definitions = loaded.pop("definitions", {})
    inlined: dict[str, Any] = _inlined(loaded, definitions)
    return inlined


def _inlined(rules: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """Put definitions where they are referred to, so that each field says its own type."""
    if isinstance(rules, list):
        return [_inlined(item, definitions) for item in rules]
    if not isinstance(rules, dict):
        return rules
    if "$ref" in rules:
        return _inlined(definitions[rules["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(value, definitions) for name, value in rules.items()}


@cache
def validator(name: str) -> jsonschema_rs.Draft4Validator:
    """Compile one schema. Times are read by `domain.timestamps`, which is kinder than `format: date-time`."""
    return jsonschema_rs.Draft4Validator(schema(name), validate_formats=False)


def fault(name: str, payload: Any) -> tuple[str, str, str] | None:  # noqa: ANN401 - any JSON
    """Find the first fault of a payload.

    Returns:
        The CALLERROR code, the dotted path of the field, and what is wrong; `None` when the payload is valid.
    """
    error = next(iter(validator(name).iter_errors(payload)), None)
    if error is None:
        return None
    keyword = str(error.schema_path[-1]) if error.schema_path else ""
    code = _CODE_BY_KEYWORD.get(keyword, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION)
    field = ".".join(str(part) for part in error.instance_path)
    return code, field, _describe(keyword, schema_fragment(name, error.schema_path))


def schema_fragment(name: str, path: list[Any]) -> Any:  # noqa: ANN401 - any JSON
    """Follow a schema path."""
    fragment: Any = schema(name)
    for part in path:
        fragment = fragment[part]
    return fragment


def _describe(keyword: str, expected: Any) -> str:  # noqa: ANN401 - any JSON
    """Say what would be right, never what was sent: a payload may hold secrets."""
    match keyword:
        case "required":
            return f"lacks one of the fields {', '.join(expected)}"
        case "additionalProperties":
            return "has a field that OCPP 1.6 does not know"
        case "type":
            return f"must be of type {expected}"
        case "enum":
            return f"must be one of {', '.join(map(str, expected))}"
        case "maxLength":
            return f"must have at most {expected} characters"
        case _:
            return f"must obey {keyword} {expected}"
