"""Repairs of a text that is no JSON, for charge points that write it by hand (OCPP-J 1.6 §4.2 wants JSON).

They are tried only after the parser has failed, and what stands within quotes is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import Literal

Repair = Literal["missing_value", "stray_comma"]
"""Repairs that change the structure, for those that are known to need them: a value that was left out (`"a":,`)
becomes `null`, a comma too many (`[,{`) goes."""

EVERY_REPAIR: frozenset[Repair] = frozenset({"missing_value", "stray_comma"})

LONGEST = 256 * 1024
"""Bytes of a text that is repaired: bounds what a broken message costs the others."""

_STRING = r'(?P<string>"(?:[^"\\]++|\\.?)*+"?)'
"""Matches from its first quote on whatever follows, so that no text is read twice."""
_NOT_A_NUMBER = r"(?P<no_number>-?\b(?:NaN|Infinity|nan|inf)\b)"
_MISTAKES = {
    "missing_value": r"(?P<missing_value>:)(?=\s*+[,}\]])",
    "stray_comma": r"(?P<opening>[\[{,])(?:\s*+,)++|(?P<stray_comma>,)(?=\s*+[\]}])",
}
_ESCAPES = {number: f"\\u{number:04x}" for number in range(32)}


def repaired(text: str | bytes, repairs: Collection[Repair]) -> str | None:
    """Write a text anew in which the mistakes that are plain are mended.

    Always mended, since only one thing can be meant: a byte order mark or NUL characters around it, bytes that are no
    UTF-8, control characters within quotes, `NaN` and `Infinity` (which become `null`).

    Args:
        text: what the parser refused.
        repairs: what may be mended beside.

    Returns:
        The new text, which may still be no JSON; `None` when it is too long to be tried.
    """
    if len(text) > LONGEST:
        return None
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    return _pattern(frozenset(repairs)).sub(_mended, raw.decode("utf-8", "replace").strip("\ufeff\0 \t\r\n"))


@cache
def _pattern(repairs: frozenset[Repair]) -> re.Pattern[str]:
    mistakes = (_MISTAKES[repair] for repair in sorted(repairs))
    return re.compile("|".join((_STRING, _NOT_A_NUMBER, *mistakes)), re.DOTALL)


def _mended(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "string":
            string = found["string"]
            return string if string.isprintable() else string.translate(_ESCAPES)
        case "no_number":
            return "null"
        case "missing_value":
            return ":null"
        case "opening":
            return found["opening"]
        case _:
            return ""
