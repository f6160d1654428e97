"""An edge that signs its requests, as the contract describes it and without any of the edge's own code."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from contract.enrolment import AUDIENCE, ENROLMENTS_PATH, TOKEN_LIFE_S, body_hash, header_of
from contract.jws import PublicKey, encode, encode_base64url
from tests.integration.cloud.conftest import Hands


class Ed25519:
    def __init__(self) -> None:
        self._key = ed25519.Ed25519PrivateKey.generate()
        self.public = PublicKey(kty="OKP", crv="Ed25519", x=encode_base64url(self._key.public_key().public_bytes_raw()))

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)


class P256:
    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        x, y = (encode_base64url(part.to_bytes(32)) for part in (numbers.x, numbers.y))
        self.public = PublicKey(kty="EC", crv="P-256", x=x, y=y)

    def sign(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)


Key = Ed25519 | P256


class SigningEdge:
    def __init__(self, client: httpx.AsyncClient, site: str, clock: Hands, key: Key | None = None) -> None:
        self.client = client
        self.site = site
        self.clock = clock
        self.key = key or Ed25519()
        self.store_id = uuid4()

    def token(self, method: str, path: str, body: bytes = b"", *, at: datetime | None = None, **changed: Any) -> str:
        issued = int((at or self.clock()).timestamp())
        claims = {
            "iss": self.site,
            "sub": self.site,
            "aud": AUDIENCE,
            "iat": issued,
            "exp": issued + TOKEN_LIFE_S,
            "jti": uuid4().hex,
            "htm": method,
            "htu": path,
            "bsh": body_hash(body),
        } | changed
        return encode(header_of(self.key.public), claims, self.key.sign)

    async def send(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> httpx.Response:
        content = b"" if body is None else json.dumps(body).encode()
        shown = token or self.token(method, path, content)
        headers = {"Authorization": f"Bearer {shown}"} | ({} if body is None else {"Content-Type": "application/json"})
        return await self.client.request(method, path, content=content, headers=headers)

    async def enrol(self, token: str, *, edge: str | None = None, key: Any = None) -> httpx.Response:
        return await self.send(
            "POST",
            ENROLMENTS_PATH,
            {
                "token": token,
                "edge": edge or self.site,
                "public_key": key or self.key.public.model_dump(exclude_none=True),
                "store_id": str(self.store_id),
            },
        )

    async def pull(self, *, token: str | None = None) -> httpx.Response:
        return await self.send("GET", f"/api/v1/edges/{self.site}/commands?wait=0", token=token)

    async def register(self, key: Key) -> httpx.Response:
        body = {"public_key": key.public.model_dump(exclude_none=True)}
        return await self.send("POST", f"/api/v1/edges/{self.site}/keys", body)
