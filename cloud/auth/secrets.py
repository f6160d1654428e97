"""Secrets made by machines: 256 bits of chance, stored as salted SHA-256, compared in constant time.

A secret reads `gardu_<whose>_<id>_<secret>`: the id finds its row without a search, and the whole is easily
recognised where it does not belong.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Literal

Whose = Literal["edge", "api", "enrol"]

_ID_BYTES = 6
_SALT_BYTES = 16
_SECRET_BYTES = 32
_PARTS = 4
_NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new secret: `text` is shown once, the rest is stored."""

    text: str
    id: str
    salt: bytes
    digest: bytes


def issue(whose: Whose) -> Issued:
    """Make a secret."""
    identity = secrets.token_hex(_ID_BYTES)
    text = f"gardu_{whose}_{identity}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    salt = secrets.token_bytes(_SALT_BYTES)
    return Issued(text, identity, salt, digest_of(text, salt))


def digest_of(text: str, salt: bytes) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(salt + text.encode("utf-8", "surrogateescape")).digest()


def id_of(text: str, whose: Whose) -> str | None:
    """The part that is not secret; `None`: this is no secret of that kind."""
    parts = text.split("_", _PARTS - 1)
    if len(parts) != _PARTS or parts[:2] != ["gardu", whose]:
        return None
    return parts[2]


def matches(text: str, stored: tuple[bytes, bytes] | None) -> bool:
    """Whether `text` is the secret behind (salt, digest). Takes as long when there is none stored."""
    salt, digest = stored or (b"", _NOBODY)
    return hmac.compare_digest(digest_of(text, salt), digest) and stored is not None
