"""Keys made by machines: the forms in which one may arrive, and how each is stored and compared.

A key of 20 random bytes cannot be guessed, so a salted SHA-256 protects it as well as a slow hash would, and a thousand
charge points can sign in at once. Randomness is passed in.
"""

from __future__ import annotations

import hashlib
import hmac

SALT_BYTES = 16


def key_forms(secret: bytes) -> list[bytes]:
    """List the forms in which a charge point may present its key.

    OCPP-J 1.6 §6.2 writes the key as 40 hexadecimal digits and leaves their case open; some charge points send the
    bytes that the digits stand for.

    Returns:
        The digits in lower case, the digits in upper case, the bytes themselves.
    """
    digits = secret.hex()
    return [digits.encode("ascii"), digits.upper().encode("ascii"), secret]


def hash_key(form: bytes, salt: bytes) -> bytes:
    """Hash one form of a key for the store."""
    return hashlib.sha256(salt + form).digest()


def matches(presented: bytes, salt: bytes, expected: bytes) -> bool:
    """Whether `presented` is the form that was stored as `expected`; takes as long for a near miss as for a far one."""
    return hmac.compare_digest(hash_key(presented, salt), expected)
