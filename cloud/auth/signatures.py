"""Verify what an edge signed: by its public key, and that it is about this request, now."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from cloud.errors import ClockSkewError, ForbiddenError, UnauthenticatedError
from contract.enrolment import AUDIENCE, CLOCK_TOLERANCE_S, TOKEN_LIFE_S, TOKEN_TYPE, RequestClaims, body_hash
from contract.jws import Jws, PublicKey, decode, decode_base64url, encode_base64url

_HALF = 32
_AGAIN = "Send the request again, signed anew; an edge does that by itself."


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that a token has to be about."""

    edge: str
    method: str
    """`PUBLISH` over MQTT."""
    target: str
    """Path, or topic."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A token that was read, of which nothing is proven yet."""

    key_id: str
    jws: Jws
    claims: RequestClaims


def read(token: str) -> Shown:
    """Read a token.

    Raises:
        UnauthenticatedError: it is none of ours.
    """
    try:
        jws = decode(token)
        claims = RequestClaims.model_validate(jws.claims)
    except ValueError as error:  # pydantic's included
        raise _unreadable() from error
    key_id = jws.header.get("kid")
    if not isinstance(key_id, str) or jws.header.get("typ") != TOKEN_TYPE or "crit" in jws.header:
        raise _unreadable()
    return Shown(key_id, jws, claims)


def require_signed(shown: Shown, key: PublicKey) -> None:
    """Return when `key` signed it.

    Raises:
        UnauthenticatedError: it did not.
    """
    if shown.jws.header.get("alg") != key.algorithm or not _fits(shown.jws, key):
        raise UnauthenticatedError("The signature does not fit the edge's key.", hint="Enrol this edge again.")


def require_about(shown: Shown, asked: Asked, now: datetime) -> None:
    """Return when a token whose signature was checked is meant for this request, at this time.

    Raises:
        ClockSkewError: it was signed at another time.
        ForbiddenError: it is about something else.
    """
    claims = shown.claims
    if not claims.iss == claims.sub == asked.edge:
        raise ForbiddenError("The token is another edge's.", hint="An edge speaks for its own site only.")
    if claims.aud != AUDIENCE or (claims.htm, claims.htu) != (asked.method, asked.target):
        raise ForbiddenError("The token was made for another request.", hint=_AGAIN)
    at = now.timestamp()
    lives = 0 < claims.exp - claims.iat <= TOKEN_LIFE_S
    if not lives or not claims.iat - CLOCK_TOLERANCE_S <= at <= claims.exp + CLOCK_TOLERANCE_S:
        raise ClockSkewError(
            "The request was signed at another time than the cloud's.", hint=_AGAIN, server_time=now.isoformat()
        )


def require_body(expected: str, body: bytes) -> None:
    """Return when the body is the one that was signed.

    Raises:
        ForbiddenError: it is another one.
    """
    if not hmac.compare_digest(expected.encode(), body_hash(body).encode()):
        raise ForbiddenError("The body is not the one that was signed.", hint=_AGAIN)


def public_key_of(given: PublicKey | str) -> PublicKey:
    """Read a key that came as JWK or PEM.

    Raises:
        ValueError: it is no Ed25519 or P-256 key.
    """
    if isinstance(given, PublicKey):
        _loaded(given)
        return given
    key = serialization.load_pem_public_key(given.encode())
    if isinstance(key, ed25519.Ed25519PublicKey):
        return PublicKey(kty="OKP", crv="Ed25519", x=encode_base64url(key.public_bytes_raw()))
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        x, y = (encode_base64url(part.to_bytes(_HALF)) for part in (key.public_numbers().x, key.public_numbers().y))
        return PublicKey(kty="EC", crv="P-256", x=x, y=y)
    raise ValueError("use an Ed25519 or a P-256 key")


def _fits(jws: Jws, key: PublicKey) -> bool:
    loaded = _loaded(key)
    try:
        if isinstance(loaded, ed25519.Ed25519PublicKey):
            loaded.verify(jws.signature, jws.signed)
        else:
            loaded.verify(_der(jws.signature), jws.signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _loaded(key: PublicKey) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey:
    x = decode_base64url(key.x)
    if key.y is None:
        return ed25519.Ed25519PublicKey.from_public_bytes(x)
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + decode_base64url(key.y))


def _der(signature: bytes) -> bytes:
    """From the two numbers side by side (RFC 7518 §3.4) to what the library takes."""
    if len(signature) != 2 * _HALF:
        raise ValueError("an ES256 signature has 64 bytes")
    return encode_dss_signature(int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:]))


def _unreadable() -> UnauthenticatedError:
    return UnauthenticatedError(
        "This is neither an edge's secret nor a token that an edge signed.", hint="Enrol this edge: gardu-edge enrol"
    )
