"""Who may connect, by security profile ("Improved security for OCPP 1.6-J" §2; OCPP-J 1.6 §6.2.2)."""

from __future__ import annotations

import base64
import binascii
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto

from edge.domain.keys import matches, typed_matches
from edge.domain.registration import Registration, UnknownChargePoints
from edge.domain.security_profile import SecurityProfile
from edge.store import charge_points, client_certificates, keys
from edge.store.charge_points import ChargePoint
from edge.store.client_certificates import PeerCertificate
from edge.store.keys import KeyHash

MAX_NEWCOMERS = 100
"""Charge points without a key that are kept Pending: made-up identities must not fill the disk."""


class Verdict(Enum):
    """What the door decides."""

    WELCOME = auto()
    """It showed its key or its certificate, or the entrance asks for none."""
    NEWCOMER = auto()
    """It has no key yet, and the site keeps such charge points Pending: it may boot and wait, and nothing else."""
    TYPED_KEY = auto()
    """Its key was typed by a person: `Judgement.typed` has still to be compared, which takes long."""
    UNKNOWN = auto()
    WRONG_KEY = auto()
    """No key, a wrong one, or none was ever set for it."""
    WRONG_CERTIFICATE = auto()
    """Its certificate is trusted, but belongs to nobody or to another charge point, or was revoked."""
    PROFILE_TOO_LOW = auto()
    """It has come in on a higher security profile before (A05.FR.09)."""
    DUPLICATE = auto()
    """Its key is right, but two devices use its identity. 403: the key is not to blame, and trying again is of no use;
    401 would invite some charge points to forget their key."""
    THROTTLED = auto()
    """Too many wrong keys in the last minute; a typed password was not even looked at."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a connection request shows beside its identity."""

    profile: SecurityProfile
    """Of the entrance that it came to."""
    authorization: str | None = None
    """The header; `None`: there was none."""
    certificate: PeerCertificate | None = None
    """The client's, verified by TLS; `None`: there was none."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and what follows from it."""

    verdict: Verdict
    generation: int | None = None
    """Of the key that was shown; `None`: it needed none."""
    key: bytes = b""
    """What was shown, where it has still to be compared."""
    typed: tuple[KeyHash, ...] = ()

    def compared(self) -> Judgement:
        """Compare the typed keys: takes long, so never on the event loop."""
        right = [one.generation for one in self.typed if typed_matches(self.key, one.salt, one.hash)]
        return Judgement(Verdict.WELCOME, max(right)) if right else Judgement(Verdict.WRONG_KEY)


@dataclass(frozen=True, slots=True)
class Door:
    """The site's rule for unknown charge points, beside the keys in the store."""

    unknown_charge_points: UnknownChargePoints
    window_open: Callable[[], bool] = lambda: False
    """Whether the commissioning window is open, which keeps newcomers for a while where the site refuses them."""

    def judge(self, db: sqlite3.Connection, identity: str, shown: Shown) -> Judgement:
        """Decide on a connection request.

        Args:
            db: a reading connection.
            identity: as the URL has it.
            shown: the rest of the request.
        """
        known = charge_points.find(db, identity)
        if known is None:
            return self._judge_unknown(db, shown.profile)
        if shown.profile < known.security_profile:
            return Judgement(Verdict.PROFILE_TOO_LOW)
        if shown.profile is SecurityProfile.NONE:
            return Judgement(Verdict.WELCOME)
        if shown.profile is SecurityProfile.CLIENT_CERTIFICATE:
            owner = None if shown.certificate is None else client_certificates.owner(db, shown.certificate)
            return Judgement(Verdict.WELCOME if owner == identity else Verdict.WRONG_CERTIFICATE)
        return self._judge_key(db, known, shown.authorization)

    @property
    def _keeps_newcomers(self) -> bool:
        return self.unknown_charge_points is UnknownChargePoints.PENDING or self.window_open()

    def _judge_unknown(self, db: sqlite3.Connection, profile: SecurityProfile) -> Judgement:
        room = self._keeps_newcomers and profile is not SecurityProfile.CLIENT_CERTIFICATE
        room = room and charge_points.count_without_key(db) < MAX_NEWCOMERS
        return Judgement(Verdict.NEWCOMER if room else Verdict.UNKNOWN)

    def _judge_key(self, db: sqlite3.Connection, known: ChargePoint, authorization: str | None) -> Judgement:
        hashes = keys.of_charge_point(db, known.charge_point)
        if not hashes:
            waits = self._keeps_newcomers and known.registration is Registration.PENDING
            return Judgement(Verdict.NEWCOMER if waits else Verdict.WRONG_KEY)
        user, key = read_basic(authorization)
        if user != known.charge_point.encode() or key is None:
            return Judgement(Verdict.WRONG_KEY)
        generation = _newest_match(key, (one for one in hashes if not one.typed))
        if generation is not None:
            return Judgement(Verdict.WELCOME, generation)
        typed = tuple(one for one in hashes if one.typed)
        return Judgement(Verdict.TYPED_KEY, key=key, typed=typed) if typed else Judgement(Verdict.WRONG_KEY)


def _newest_match(key: bytes, hashes: Iterable[KeyHash]) -> int | None:
    """Compare with all of them, so that it takes as long whichever is right."""
    right = [one.generation for one in hashes if matches(key, one.salt, one.hash)]
    return max(right, default=None)


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
