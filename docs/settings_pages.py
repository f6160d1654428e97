"""Every setting of the edge and the cloud, from the models that read them."""

# ruff: noqa: INP001 - a folder of the tree that is never installed

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import cloud.config
import edge.config
from docs.markdown import page, table

Schema = dict[str, Any]


def settings_of_the_edge() -> str:
    """Write every setting of `gardu-edge`."""
    schema = edge.config.Settings.model_json_schema()
    plain, sections = [], []
    for name, field in schema["properties"].items():
        section = _resolve(field, schema)
        if "properties" in section:
            rows = (_setting(edge.config.PREFIX, (name, key), schema) for key in section["properties"])
            sections.append(f"## {name}\n\n{section['description']}\n\n{_settings_table(rows)}")
        else:
            plain.append(_setting(edge.config.PREFIX, (name,), schema))
    return page(
        "Settings of the edge",
        f"""
        `gardu-edge` reads its settings from the environment and from the TOML file that `{edge.config.CONFIG_VARIABLE}`
        names. The environment wins. In the environment two underscores lead into a section; lists and tables are
        written as JSON, for example `["one", "two"]`. In the file a section is a table: `[api]`, then `port = 3000`.

        A misspelt name or a wrong value stops the start with a sentence about it. `gardu-edge check-config` checks
        without starting, and shows what would hold.
        """,
        _settings_table(plain),
        *sections,
    )


def settings_of_the_cloud() -> str:
    """Write every setting of `gardu-cloud`."""
    schema = cloud.config.Settings.model_json_schema()
    prefix = cloud.config.PREFIX
    return page(
        "Settings of the cloud",
        f"""
        `gardu-cloud` reads its settings from the environment and from the TOML file that `--config` or `{prefix}CONFIG`
        names. The environment wins. A wrong value stops the start with a sentence about it. `gardu-cloud check-config`
        checks without starting, and shows what would hold.
        """,
        _settings_table(_setting(prefix, (name,), schema) for name in schema["properties"]),
    )


def _setting(prefix: str, path: tuple[str, ...], schema: Schema) -> tuple[str, ...]:
    field = schema
    for name in path:
        required = name in _resolve(field, schema).get("required", [])
        field = _resolve(field, schema)["properties"][name]
    return (
        f"`{prefix}{'__'.join(path).upper()}`",
        f"`{'.'.join(path)}`",
        _type_words(_resolve(field, schema)),
        "must be set" if required else _default(field),
        field["description"],
    )


def _settings_table(rows: Iterable[tuple[str, ...]]) -> str:
    return table(("Environment variable", "TOML key", "Type", "Default", "Meaning"), rows)


def _resolve(field: Schema, schema: Schema) -> Schema:
    if "$ref" not in field:
        return field
    found: Schema = schema["$defs"][field["$ref"].rsplit("/", 1)[1]]
    return found


def _is_secret(field: Schema) -> bool:
    return any(part.get("format") == "password" for part in (field, field.get("items", {}), *field.get("anyOf", ())))


def _default(field: Schema) -> str:
    value = field.get("default")
    if _is_secret(field) or value in (None, [], {}):
        return "none"
    return f"`{json.dumps(value)}`"


def _type_words(field: Schema) -> str:
    """Put a JSON schema into words."""
    match field:
        case {"anyOf": [something, {"type": "null"}]}:
            words = _type_words(something)
        case {"enum": values}:
            words = " or ".join(f"`{value}`" for value in values)
        case {"type": "integer" | "number" as kind}:
            words = ("whole number" if kind == "integer" else "number") + _range_words(field)
        case {"type": "boolean"}:
            words = "`true` or `false`"
        case {"type": "array", "items": items}:
            words = f"list ({_type_words(items)})"
        case {"type": "object", "additionalProperties": values}:
            words = f"table of {_type_words(values)}"
        case {"pattern": pattern}:
            words = f"text like `{pattern}`"
        case _:
            words = {"path": "path", "password": "secret"}.get(field.get("format", ""), "text")
    return words


def _range_words(field: Schema) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    if high is not None:
        return f", above {field['exclusiveMinimum']}, at most {high}"
    return ""
