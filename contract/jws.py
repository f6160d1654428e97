"""Signed tokens in the compact form of RFC 7515 "JSON Web Signature", and public keys as RFC 7517 "JSON Web Key".

What signs and what verifies is handed in: this package knows no cryptography.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import model_validator

from contract.model import Record

LONGEST_TOKEN = 4096
"""Characters. Ours have about 600; what is longer is not read."""

Algorithm = Literal["EdDSA", "ES256"]
"""Ed25519 (RFC 8037 §3.1 "Signing"), or ECDSA on P-256 with SHA-256 (RFC 7518 §3.4 "Digital Signature with ECDSA")."""

_PARTS = 3
_KEY_BYTES = 32


class PublicKey(Record):
    """A public key as JWK: Ed25519 (RFC 8037 §2 "Key Type OKP") or P-256 (RFC 7518 §6.2 "Parameters for EC Keys")."""

    kty: Literal["OKP", "EC"]
    crv: Literal["Ed25519", "P-256"]
    x: str
    """Base64url without padding."""
    y: str | None = None
    """P-256 only."""

    @model_validator(mode="before")
    @classmethod
    def _public(cls, value: Any) -> Any:  # noqa: ANN401 - whatever came
        if isinstance(value, Mapping) and "d" in value:
            raise ValueError("this is a private key; keep it, and send the public half")
        return value

    @model_validator(mode="after")
    def _whole(self) -> PublicKey:
        pair = (self.kty, self.crv, self.y is not None)
        if pair not in {("OKP", "Ed25519", False), ("EC", "P-256", True)}:
            raise ValueError("use an Ed25519 key (OKP), or a P-256 one (EC) with x and y")
        for part in (self.x, self.y):
            if part is not None and len(decode_base64url(part)) != _KEY_BYTES:
                raise ValueError("each coordinate has 32 bytes")
        return self

    @property
    def algorithm(self) -> Algorithm:
        """How this key signs."""
        return "EdDSA" if self.kty == "OKP" else "ES256"

    @property
    def key_id(self) -> str:
        """The key's name, which both sides compute: its thumbprint (RFC 7638 §3 "JSON Web Key (JWK) Thumbprint")."""
        members = {"crv": self.crv, "kty": self.kty, "x": self.x} | ({} if self.y is None else {"y": self.y})
        text = json.dumps(members, separators=(",", ":"), sort_keys=True)
        return encode_base64url(hashlib.sha256(text.encode()).digest())


@dataclass(frozen=True, slots=True)
class Jws:
    """A token that was taken apart; nothing of it is proven before `signature` fits `signed`."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def encode(header: Mapping[str, Any], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """Make a token.

    Args:
        header: `alg`, `kid` and `typ`.
        claims: what the signer says.
        sign: gives the signature of some bytes.
    """
    signed = f"{_part(header)}.{_part(claims)}"
    return f"{signed}.{encode_base64url(sign(signed.encode()))}"


def decode(token: str) -> Jws:
    """Take a token apart.

    Raises:
        ValueError: it is none.
    """
    parts = token.split(".") if len(token) <= LONGEST_TOKEN else []
    if len(parts) != _PARTS:
        raise ValueError("not three parts")
    header, claims = (_object(decode_base64url(part)) for part in parts[:2])
    return Jws(header, claims, f"{parts[0]}.{parts[1]}".encode(), decode_base64url(parts[2]))


def looks_signed(credential: str) -> bool:
    """Whether a credential is meant as a token of this kind: each begins with an encoded `{"`."""
    return credential.startswith("eyJ") and credential.count(".") == _PARTS - 1


def encode_base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 §2 "Terminology")."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """The reverse; other ways to write the same bytes are refused.

    Raises:
        ValueError: it is no base64url.
    """
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64url") from error
    if encode_base64url(data) != text:
        raise ValueError("not base64url in its one form")
    return data


def _part(content: Mapping[str, Any]) -> str:
    return encode_base64url(json.dumps(content, separators=(",", ":")).encode())


def _object(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise ValueError("not JSON") from error
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - a ValueError like every other fault of a token
    return content
