"""How charge points spell the words of OCPP 1.6 that their schemas enumerate, and its numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

_ALIASES = {
    "mode3error": "EVCommunicationError",  # OCPP 1.5
    "readererror": "ReaderFailure",
    "metererror": "PowerMeterFailure",
    "overtemperature": "HighTemperature",
    "faulty": "Faulted",
    "error": "Faulted",
    "outoforder": "Faulted",
    "outofservice": "Unavailable",
    "inoperative": "Unavailable",
    "idle": "Available",
    "free": "Available",
    "occupied": "Preparing",  # OCPP 1.5 and 2.0.1: a car is there, and no more is known
    "suspended": "SuspendedEV",
    "hz": "Hertz",
    "degc": "Celsius",
    "c": "Celsius",
    "celcius": "Celsius",
    "f": "Fahrenheit",
    "kelvin": "K",
    "percentage": "Percent",
    "stateofcharge": "SoC",
    "l1l2l3": "",
    "deauthorised": "DeAuthorized",
    "unplugged": "EVDisconnected",
}
"""By the letters and digits of a word, in lower case. An empty one means that the field is better left out."""
_BEYOND = frozenset({"", "Hertz"})
"""Hertz is implied by the standard (errata §3.84) and missing in some of its schemas."""
_SIGNS = {"%": "Percent", "°C": "Celsius", "℃": "Celsius", "°F": "Fahrenheit"}
_NUMBER = re.compile(r"\s*([-+]?\d{1,18}(?:[.,]\d{1,18})?)\s*(k?)(?:wh)?\s*", re.IGNORECASE)
_THOUSANDS = re.compile(r"[-+]?\d{1,3},\d{3}")
_NO_WORD = re.compile(r"[^a-z0-9]")


def canonical(word: str, allowed: Sequence[str]) -> str | None:
    """Find the word of a schema that is meant.

    Case, blanks and punctuation make no difference; some words of other OCPP versions are known.

    Returns:
        The schema's word, or the standard's where the schema lacks it (`Hertz`); `None` when the word is unknown; an
        empty text when the field says nothing.
    """
    stripped = word.strip()
    if not stripped:
        return ""
    if stripped in _SIGNS:
        return _SIGNS[stripped] if _SIGNS[stripped] in allowed else None
    plain = _NO_WORD.sub("", stripped.lower())
    known = _by_letters(tuple(allowed)).get(plain) or _ALIASES.get(plain)
    return known if known in allowed or known in _BEYOND else None


@cache
def _by_letters(allowed: tuple[str, ...]) -> dict[str, str]:
    return {_NO_WORD.sub("", word.lower()): word for word in allowed}


def whole_number(text: str) -> int | None:
    """Read a whole number that has blanks around it, a decimal comma, or its unit (Wh or kWh) behind it.

    `12,345` may be twelve or twelve thousand, so it is neither.
    """
    found = _NUMBER.fullmatch(text)
    if found is None or _THOUSANDS.fullmatch(found[1]):
        return None
    if found[1].isdigit() and not found[2]:
        return int(found[1])
    return round(float(found[1].replace(",", ".")) * (1000 if found[2] else 1))
