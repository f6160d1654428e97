"""What may be shown of a frame, a payload, a configuration value or a text: everything but its secrets.

OCPP 1.6 security whitepaper ed. 2 A01.FR.09: no key in a log. Doubt hides: a name that only looks like a secret's loses
its value, and a frame that cannot be read and may hold a secret loses everything behind its head.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import orjson

REDACTED = "(redacted)"

DEEPEST = 32
"""Levels of a payload that are looked into; OCPP has six, and what lies deeper is hidden."""

_PARTS = ("password", "passwd", "passphrase", "passcode", "secret", "token", "credential", "cookie")
_ENDINGS = ("authorization", "pwd", "psk", "puk", "pin", "pass")
_KEYS = ("authorizationkey", "authkey", "privatekey", "apikey", "accesskey", "sharedkey", "encryptionkey", "masterkey")

_SIGNS = (b"pass", b"pwd", b"psk", b"secret", b"token", b"credential", b"cookie", b"authorization", b"key", b"puk")
_MORE_SIGNS = (b"pin", b"://", b"basic ", b"bearer ", b"\\", b"\0")
"""In lower case. Where none of these is, nothing is hidden: a search of a microsecond spares the parsing.

A backslash may spell any other sign, and a NUL is a text in another encoding."""
_ALL_SIGNS = _SIGNS + _MORE_SIGNS

MOST_SHAPES = 2000
LONGEST_SHAPE = 4000
_DIGITS = b"0123456789abcdefABCDEF.-"
_SHAPES_OF_SIGNS = tuple(sign.translate(None, _DIGITS) for sign in _ALL_SIGNS)

_NO_LETTER = re.compile(r"[^a-z]")
_HEAD = re.compile(rb'\s*\[\s*[0-9]\s*,\s*"[^"\\]{0,64}"(?:\s*,\s*"[A-Za-z]{1,64}")?')
_CREDENTIALS = re.compile(r"(?i:\b(basic|bearer))\s+(?!auth)\S+")
_ASSIGNED = re.compile(r"""(?<![\w.-])(\w[\w.-]{0,63})["']?\s{0,9}[=:](?!//)""")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----")
_WORD = re.compile(r"\S+")


def is_secret(name: str) -> bool:
    """Whether the value under this name (a configuration key, a field, a header) is never shown.

    Upper and lower case, blanks and punctuation make no difference, nor does a number at the end.
    """
    plain = _NO_LETTER.sub("", name.lower())
    return plain.endswith(_ENDINGS) or any(part in plain for part in _PARTS) or any(key in plain for key in _KEYS)


def redact_value(key: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Show the value of a configuration key, or hide it; `None` and booleans stay."""
    if is_secret(key) and value is not None and not isinstance(value, bool):
        return REDACTED
    return redact(value)


def redact(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Copy a payload without its secrets.

    Hidden are fields with a secret's name, the `value` beside a `key` that is one (ChangeConfiguration,
    GetConfiguration), the `data` beside such a `messageId` (DataTransfer), and what `redact_text` hides in any text.
    """
    return _redact(value, DEEPEST)


def redact_text(text: str) -> str:
    """Hide user names and passwords in URLs, credentials of HTTP headers, private keys, and what follows `password=`.

    A text that is JSON itself (the data of a DataTransfer often are) is read as such.
    """
    return _redact_text(text, DEEPEST)


def redact_frame(raw: bytes) -> bytes:
    """Hide the secrets of a frame as it went over the wire; one without secrets comes back as the same object."""
    lowered = raw.lower()
    for sign in _ALL_SIGNS:
        if sign in lowered:
            return _redact_frame(raw)
    return raw


class FrameRedactor:
    """Does what `redact_frame` does, at a tenth of the cost for frames that differ in their numbers alone.

    Most frames of a charge point do. What is left of one without its digits is remembered when nothing of it has to be
    hidden. The letters of hexadecimal digits are left out as well, since message ids and id tags are made of them; the
    signs are then looked for without theirs, so that none can be missed and some may be seen where there is none.
    """

    def __init__(self) -> None:
        self._harmless: set[bytes] = set()

    def harmless(self, frames: Iterable[bytes]) -> bool:
        """Whether nothing has to be hidden in any of these, as far as is known already: `redact` learns it."""
        # One that holds the separator falls into pieces; no sign holds it, so each piece may be judged by itself.
        return self._harmless.issuperset(b"\n".join(frames).translate(None, _DIGITS).split(b"\n"))

    def redact(self, raw: bytes) -> bytes:
        """Hide the secrets of a frame."""
        shape = raw.translate(None, _DIGITS)
        if shape in self._harmless:
            return raw
        lowered = shape.lower()
        if any(sign in lowered for sign in _SHAPES_OF_SIGNS):
            return redact_frame(raw)
        if len(shape) <= LONGEST_SHAPE:
            if len(self._harmless) >= MOST_SHAPES:
                self._harmless.clear()
            self._harmless.update(shape.split(b"\n"))
        return raw


def _redact_frame(raw: bytes) -> bytes:
    try:
        frame = orjson.loads(raw)
        shown = redact(frame)
        return raw if shown == frame else orjson.dumps(shown)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        head = _HEAD.match(raw)
        return (head.group() if head else b"") + REDACTED.encode()


def _redact(value: Any, depth: int) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return _redact_text(value, depth)
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        return REDACTED
    if isinstance(value, list):
        return [_redact(item, depth - 1) for item in value]
    hidden = _hidden_beside(value)
    return {name: _field(name, item, hidden, depth - 1) for name, item in value.items()}


def _hidden_beside(fields: dict[str, Any]) -> frozenset[str]:
    """Name the fields, in lower case, that are secret because of what stands beside them."""
    beside = {"key": "value", "name": "value", "messageid": "data"}
    hidden = set()
    for name, item in fields.items():
        other = beside.get(str(name).lower())
        if other is not None and isinstance(item, str) and is_secret(item):
            hidden.add(other)
    return frozenset(hidden)


def _field(name: str, item: Any, hidden: frozenset[str], depth: int) -> Any:  # noqa: ANN401 - any JSON
    if item is None or isinstance(item, bool):
        return item
    if is_secret(str(name)) or str(name).lower() in hidden:
        return REDACTED
    if isinstance(item, str) and str(name).lower().endswith(("location", "url", "uri")):
        return _redact_text(_without_user(item), depth)
    return _redact(item, depth)


def _redact_text(text: str, depth: int) -> str:
    lowered = text.lower().encode("utf-8", "replace")
    if not any(sign in lowered for sign in _ALL_SIGNS):
        return text
    if text.lstrip()[:1] in ("{", "["):
        try:
            inner = orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
        else:
            shown = _redact(inner, depth - 1) if depth > 0 else REDACTED
            return text if shown == inner else orjson.dumps(shown).decode()
    for found in _ASSIGNED.finditer(text):
        if is_secret(found.group(1)):
            return _redact_words(text[: found.end()]) + REDACTED
    return _redact_words(text)


def _redact_words(text: str) -> str:
    if (private := _PRIVATE_KEY.search(text)) is not None:
        text = text[: private.end()] + REDACTED
    text = _CREDENTIALS.sub(rf"\1 {REDACTED}", text)
    return _WORD.sub(lambda word: _without_user(word.group()), text) if "://" in text else text


def _without_user(url: str) -> str:
    """Hide everything between `://` and the last `@`: a password may hold any character, however wrong that is."""
    start, end = url.find("://"), url.rfind("@")
    return url if start < 0 or end < start else url[: start + 3] + REDACTED + url[end:]
