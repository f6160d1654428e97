"""Making a charge point known, with a key of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime

from edge.domain.keys import SALT_BYTES, hash_key, hash_typed, key_forms, secret_of
from edge.domain.registration import Registration
from edge.store import charge_points, keys
from edge.store.keys import KeyHash

KEY_BYTES = 20
"""As many as `AuthorizationKey` holds ("Improved security for OCPP 1.6-J" §7.2)."""


def enrol(
    connection: sqlite3.Connection, charge_point: str, random_bytes: Callable[[int], bytes], now: datetime
) -> str:
    """Accept a charge point and give it a new key; an older one ends.

    Args:
        connection: inside a database transaction.
        charge_point: its identity.
        random_bytes: `secrets.token_bytes`.
        now: for a new row.

    Returns:
        The key as 40 hex digits. It is stored as hashes alone, so this is the only time to show it.
    """
    secret = random_bytes(KEY_BYTES)
    charge_points.put(connection, charge_point, Registration.ACCEPTED, now)
    replace_key(connection, charge_point, secret, random_bytes)
    return secret.hex()


def replace_key(
    connection: sqlite3.Connection, charge_point: str, secret: bytes, random_bytes: Callable[[int], bytes]
) -> None:
    """Let only this key in from now on, in each form that charge points send it in."""
    keys.set_only(connection, charge_point, hashed(secret, random_bytes))


def hashed(secret: bytes, random_bytes: Callable[[int], bytes], generation: int = 0) -> list[KeyHash]:
    """Hash a key in each form that charge points send it in, for `keys.set_only` or `keys.add`."""
    salted = [(form, random_bytes(SALT_BYTES)) for form in key_forms(secret)]
    return [KeyHash(salt, hash_key(form, salt), generation) for form, salt in salted]


def hashed_password(password: str, random_bytes: Callable[[int], bytes]) -> list[KeyHash]:
    """Hash a password that a person chose. Takes long: never on the event loop.

    32 to 40 hexadecimal digits are a key, and accepted in each of its forms.
    """
    plain = password.encode()
    secret = secret_of(plain)
    if secret is not None:
        return hashed(secret, random_bytes)
    salt = random_bytes(SALT_BYTES)
    return [KeyHash(salt, hash_typed(plain, salt), typed=True)]
