"""How an edge becomes known to the cloud, and how it proves with each request that it is the one that is known."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any
from uuid import UUID

from pydantic import StringConstraints

from contract.jws import PublicKey, encode_base64url
from contract.model import Record, UtcDatetime

ENROLMENTS_PATH = "/api/v1/enrolments"
KEYS_PATH = "/api/v1/edges/{edge}/keys"

AUDIENCE = "gardu-cloud"
TOKEN_TYPE = "gardu-request+jwt"  # noqa: S105 - a media type
TOKEN_LIFE_S = 60
"""From `iat` to `exp`."""
CLOCK_TOLERANCE_S = 30
"""How far the signer's idea of the cloud's time may be off."""
PUBLISH = "PUBLISH"
"""What stands in `htm` over MQTT, where `htu` is the topic."""

SERVER_TIME = "server_time"
"""Member of a problem document: what time it is at the cloud, for an edge that has another idea of it."""


class RequestClaims(Record):
    """What an edge signs with each request (after RFC 7523 §3 and RFC 9449 §4.2). The times are the cloud's."""

    iss: str
    sub: str
    aud: str
    iat: int
    exp: int
    jti: str
    """Never the same twice; for the log."""
    htm: str
    """Method of the request, or `PUBLISH`."""
    htu: str
    """Path of the request as the cloud knows it, without its query, or the topic."""
    bsh: str
    """SHA-256 of the body as it is sent, base64url."""


class EnrolmentRequest(Record):
    """An edge that wants to become known. The request is signed with the new key itself, as `RequestClaims` say."""

    token: Annotated[str, StringConstraints(max_length=200)]
    """The one-time token that an operator was shown."""
    edge: Annotated[str, StringConstraints(max_length=63)]
    """Who it says it is."""
    public_key: PublicKey | Annotated[str, StringConstraints(max_length=1000)]
    """Public half of the key that it made: a JWK, or PEM."""
    store_id: UUID
    """Of its database."""


class BrokerLogin(Record):
    """How the edge signs in at the MQTT broker."""

    username: str
    password: str


class EnrolmentAnswer(Record):
    """The edge is known."""

    edge: str
    key_id: str
    server_time: UtcDatetime
    incarnation: UUID
    broker: BrokerLogin | None = None
    """`None`: this cloud has no broker."""


class NewKeyRequest(Record):
    """A key that shall take the place of the one that signed this request."""

    public_key: PublicKey


class NewKeyAnswer(Record):
    """The new key may sign. The old one ends when the new one is used for the first time."""

    key_id: str
    server_time: UtcDatetime


def body_hash(body: bytes) -> str:
    """`bsh` of a body."""
    return encode_base64url(hashlib.sha256(body).digest())


def header_of(key: PublicKey) -> dict[str, Any]:
    """The header of a token."""
    return {"alg": key.algorithm, "kid": key.key_id, "typ": TOKEN_TYPE}
