"""Who may connect: security profile 1, Basic authentication (OCPP-J 1.6 §6.2.2 "Charge Point authentication")."""

from __future__ import annotations

import base64
import binascii
import sqlite3
from dataclasses import dataclass
from enum import Enum, auto

from edge.domain.keys import matches
from edge.domain.registration import Registration, UnknownChargePoints
from edge.store import charge_points

MAX_NEWCOMERS = 100
"""Charge points without a key that are kept Pending: made-up identities must not fill the disk."""


class Verdict(Enum):
    """What the door decides."""

    WELCOME = auto()
    """It showed its key."""
    NEWCOMER = auto()
    """It has no key yet, and the site keeps such charge points Pending: it may boot and wait, and nothing else."""
    UNKNOWN = auto()
    WRONG_KEY = auto()
    """No key, a wrong one, or none was ever set for it."""


@dataclass(frozen=True, slots=True)
class Door:
    """The site's rule for unknown charge points, beside the keys in the store."""

    unknown_charge_points: UnknownChargePoints

    def judge(self, db: sqlite3.Connection, identity: str, authorization: str | None) -> Verdict:
        """Decide on a connection request.

        Args:
            db: a reading connection.
            identity: as the URL has it.
            authorization: the `Authorization` header; `None`: there was none.
        """
        known = charge_points.find(db, identity)
        hashes = charge_points.key_hashes(db, identity)
        keeps_newcomers = self.unknown_charge_points is UnknownChargePoints.PENDING
        if known is None:
            room = keeps_newcomers and charge_points.count_without_key(db) < MAX_NEWCOMERS
            return Verdict.NEWCOMER if room else Verdict.UNKNOWN
        if not hashes:
            waits = keeps_newcomers and known.registration is Registration.PENDING
            return Verdict.NEWCOMER if waits else Verdict.WRONG_KEY
        user, key = read_basic(authorization)
        if user != identity.encode() or key is None:
            return Verdict.WRONG_KEY
        right = any([matches(key, one.salt, one.hash) for one in hashes])  # noqa: C419 - all of them, in constant time
        return Verdict.WELCOME if right else Verdict.WRONG_KEY


def read_basic(authorization: str | None) -> tuple[bytes | None, bytes | None]:
    """Split a Basic header into user and key, as bytes: a key may be 20 raw bytes and hold colons."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        user, colon, key = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None, None
    return (user, key) if colon else (None, None)
