"""Nothing secret reaches a log: values are hidden by their name, and by their look."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

HIDDEN = "[hidden]"

_NAMES = re.compile(r"secret|password|authorization|api_?key|token|cookie|credential|digest|salt", re.IGNORECASE)
_LOOKS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), rf"\1 {HIDDEN}"),
    (re.compile(r"\bgardu_[a-z]+_[0-9a-f]+_[\w-]+"), HIDDEN),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
    (re.compile(r"(://[^\s:/@]*):[^\s@/]+@"), rf"\1:{HIDDEN}@"),
)


_SETTINGS = re.compile(
    r"secret|pass|token|credential|(authorization|api|private|shared|encryption)_?key|psk|puk|pwd|pin$", re.IGNORECASE
)
"""Configuration keys of charge points whose value is a secret: AuthorizationKey, and what vendors made up."""


def hide_text(text: str) -> str:
    """The text without bearer tokens, keys of ours, and passwords in URLs."""
    for pattern, replacement in _LOOKS:
        text = pattern.sub(replacement, text)
    return text


def hide(value: Any, name: str = "") -> Any:  # noqa: ANN401 - log values are of any kind
    """The value, or what may be shown of it."""
    if _NAMES.search(name):
        return HIDDEN
    if isinstance(value, str):
        return hide_text(value)
    if isinstance(value, Mapping):
        shown = {key: hide(part, str(key)) for key, part in value.items()}
        if shown.get("value") is not None and _SETTINGS.search(str(shown.get("key", ""))):
            shown["value"] = HIDDEN  # ChangeConfiguration, GetConfiguration
        return shown
    if isinstance(value, list | tuple):
        return [hide(part) for part in value]
    return value


def redact(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor."""
    for name in entry:
        entry[name] = hide(entry[name], name)
    return entry
