"""Signs requests with the edge's own key, as `contract.enrolment.RequestClaims` says. No time-out can end the key."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.enrolment import AUDIENCE, TOKEN_LIFE_S, RequestClaims, body_hash, header_of
from contract.jws import PublicKey, decode, decode_base64url, encode, encode_base64url
from contract.problems import Problem
from edge.clock import Clock
from edge.store.link_credentials import CredentialFile, Credentials, StoredKey
from edge.sync.proof import ServerClock

_REPLACED = frozenset({"urn:gardu:problem:key-revoked", "urn:gardu:problem:unauthenticated"})


class SigningKey:
    """A private key in memory.

    Args:
        stored: as the file has it.
    """

    def __init__(self, stored: StoredKey) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(decode_base64url(stored.seed))
        self.public = _public(self._key)

    def token(self, edge: str, method: str, target: str, body: bytes, now: datetime) -> str:
        """Sign for one request.

        Args:
            edge: our name.
            method: of HTTP, or `PUBLISH`.
            target: path as the cloud knows it, or topic.
            body: as it is sent.
            now: the cloud's time, as far as we know.
        """
        issued = int(now.timestamp())
        claims = RequestClaims(
            iss=edge,
            sub=edge,
            aud=AUDIENCE,
            iat=issued,
            exp=issued + TOKEN_LIFE_S,
            jti=uuid4().hex,
            htm=method,
            htu=target,
            bsh=body_hash(body),
        )
        return encode(header_of(self.public), claims.model_dump(), self._key.sign)

    def signed(self, token: str) -> bool:
        """Whether a token names this key as its signer."""
        return decode(token).header == header_of(self.public)


class SignedRequests:
    """Proves requests by the key in the file, and follows when another process changes it.

    Args:
        file: has the key.
        clock: the machine's clocks.
    """

    def __init__(self, file: CredentialFile, clock: Clock) -> None:
        self._file = file
        self._server = ServerClock(clock)
        self._version: tuple[int, int] | None = None
        self._credentials: Credentials | None = None
        self._key: SigningKey | None = None

    def authorization(self, method: str, target: str, body: bytes) -> str | None:
        """See `Proof.authorization`."""
        self._follow()
        if self._key is None or self._credentials is None:
            return None
        return self._key.token(self._credentials.edge, method, target, body, self._server.now())

    def heard(self, server_time: datetime) -> None:
        """See `Proof.heard`."""
        self._server.heard(server_time)

    def learn(self, problem: Problem, shown: str | None) -> bool:
        """See `Proof.learn`: the time may be wrong, or the key may have been changed since the request was signed."""
        return self._server.learn(problem) or (problem.type in _REPLACED and (self._follow() or self._is_other(shown)))

    def _is_other(self, shown: str | None) -> bool:
        """Whether the key is another than what was shown: a request beside that one may have followed the file."""
        return self._key is not None and (shown is None or not self._key.signed(shown))

    def _follow(self) -> bool:
        """Read the file when it changed; returns whether it did."""
        version = self._file.version()
        if version == self._version:
            return False
        self._credentials = self._file.read()
        key = None if self._credentials is None else self._credentials.key
        self._key = None if key is None else SigningKey(key)
        self._version = version
        return True


def make_key() -> StoredKey:
    """Make a key."""
    key = Ed25519PrivateKey.generate()
    return StoredKey(key_id=_public(key).key_id, seed=encode_base64url(key.private_bytes_raw()))


def _public(key: Ed25519PrivateKey) -> PublicKey:
    return PublicKey(kty="OKP", crv="Ed25519", x=encode_base64url(key.public_key().public_bytes_raw()))
