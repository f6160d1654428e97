"""A charge point's key: the forms in which one may arrive, and how each is stored and compared.

A key of 20 random bytes cannot be guessed, so a salted SHA-256 protects it as well as a slow hash would, and a thousand
charge points can sign in at once. A password that a person typed can be guessed, so it gets a slow hash. Randomness is
passed in.
"""

from __future__ import annotations

import hashlib
import hmac
import re

SALT_BYTES = 16

_KEY_DIGITS = re.compile(rb"(?:[0-9A-Fa-f]{2}){16,20}")
"""An `AuthorizationKey` has 16 to 20 bytes ("Improved security for OCPP 1.6-J" §7.2)."""
_SCRYPT = {"n": 2**13, "r": 8, "p": 1}
"""8 MiB and some 20 ms for each guess."""


def key_forms(secret: bytes) -> list[bytes]:
    """List the forms in which a charge point may present its key.

    OCPP-J 1.6 §6.2 writes the key as 40 hexadecimal digits and leaves their case open; some charge points send the
    bytes that the digits stand for.

    Returns:
        The digits in lower case, the digits in upper case, the bytes themselves.
    """
    digits = secret.hex()
    return [digits.encode("ascii"), digits.upper().encode("ascii"), secret]


def secret_of(password: bytes) -> bytes | None:
    """Read a password as the digits of a key.

    Returns:
        The bytes that 32 to 40 hexadecimal digits stand for; `None`: it is a plain password.
    """
    return bytes.fromhex(password.decode("ascii")) if _KEY_DIGITS.fullmatch(password) else None


def hash_key(form: bytes, salt: bytes) -> bytes:
    """Hash one form of a key for the store."""
    return hashlib.sha256(salt + form).digest()


def matches(presented: bytes, salt: bytes, expected: bytes) -> bool:
    """Whether `presented` is the form that was stored as `expected`; takes as long for a near miss as for a far one."""
    return hmac.compare_digest(hash_key(presented, salt), expected)


def hash_typed(password: bytes, salt: bytes) -> bytes:
    """Hash a password that a person chose. Slow on purpose: never on the event loop."""
    return hashlib.scrypt(password, salt=salt, dklen=32, **_SCRYPT)


def typed_matches(presented: bytes, salt: bytes, expected: bytes) -> bool:
    """As `matches`, for what `hash_typed` made."""
    return hmac.compare_digest(hash_typed(presented, salt), expected)
