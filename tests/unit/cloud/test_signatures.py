"""Signed tokens: the test vectors of RFC 7515, RFC 8037 and RFC 7638, and whatever else may come."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.auth.signatures import Asked, Shown, read, require_about, require_signed
from cloud.errors import ClockSkewError, ForbiddenError, GarduCloudError, UnauthenticatedError
from contract.enrolment import AUDIENCE, TOKEN_TYPE, RequestClaims
from contract.jws import Jws, PublicKey, decode, decode_base64url, encode, encode_base64url, looks_signed

RFC_8037 = PublicKey(kty="OKP", crv="Ed25519", x="11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
RFC_8037_TOKEN = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
RFC_7515_A3 = PublicKey(
    kty="EC",
    crv="P-256",
    x="f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y="x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
)
RFC_7515_A3_TOKEN = (
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
CLAIMS = RequestClaims(
    iss="north",
    sub="north",
    aud=AUDIENCE,
    iat=int(NOON.timestamp()),
    exp=int(NOON.timestamp()) + 60,
    jti="1",
    htm="GET",
    htu="/here",
    bsh="",
)
HERE = Asked("north", "GET", "/here")


def shown(token: str, claims: RequestClaims = CLAIMS) -> Shown:
    header, payload, signature = token.split(".")
    jws = Jws(json.loads(decode_base64url(header)), {}, f"{header}.{payload}".encode(), decode_base64url(signature))
    return Shown("", jws, claims)


@pytest.mark.parametrize(("token", "key"), [(RFC_8037_TOKEN, RFC_8037), (RFC_7515_A3_TOKEN, RFC_7515_A3)])
def test_the_examples_of_the_rfcs_are_verified_and_their_forgeries_are_not(token: str, key: PublicKey) -> None:
    require_signed(shown(token), key)
    header, payload, signature = token.split(".")
    forged = bytearray(decode_base64url(signature))
    for place in (0, 31, 32, 63):
        forged[place] ^= 1
        with pytest.raises(UnauthenticatedError):
            require_signed(shown(f"{header}.{payload}.{encode_base64url(bytes(forged))}"), key)
        forged[place] ^= 1
    short = encode_base64url(bytes(forged)[:-1])
    for bad in (f"{header}.{payload}A.{signature}", f"{header}.{payload}.{short}", f"{header}.{payload}."):
        with pytest.raises(UnauthenticatedError):
            require_signed(shown(bad), key)


def test_a_token_of_one_algorithm_is_not_checked_by_a_key_of_the_other() -> None:
    for token, key in ((RFC_8037_TOKEN, RFC_7515_A3), (RFC_7515_A3_TOKEN, RFC_8037)):
        with pytest.raises(UnauthenticatedError):
            require_signed(shown(token), key)


def test_a_key_is_named_by_its_thumbprint() -> None:
    assert RFC_8037.key_id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_claims_of_the_example_are_read() -> None:
    assert decode(RFC_7515_A3_TOKEN).claims == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}


@given(st.binary())
def test_base64url_has_one_form(data: bytes) -> None:
    text = encode_base64url(data)
    assert decode_base64url(text) == data
    for other in (text + "=", text + "\n", " " + text, text + "é"):
        with pytest.raises(ValueError, match="base64url"):
            decode_base64url(other)


@pytest.mark.parametrize("text", ["QUJDRB", "QUJD+A", "QUJD/A", "A"])
def test_other_ways_to_write_the_same_bytes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        decode_base64url(text)


@given(st.text() | st.from_regex(r"eyJ[\w-]{0,9}\.[\w-]{0,9}\.[\w-]{0,9}"))
def test_any_text_is_no_token_rather_than_a_crash(text: str) -> None:
    with pytest.raises(UnauthenticatedError):
        read(text)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"kid": "k"},
        {"kid": 1, "typ": TOKEN_TYPE},
        {"kid": "k", "typ": "JWT"},
        {"kid": "k", "typ": TOKEN_TYPE, "crit": ["exp"]},
    ],
)
def test_tokens_of_other_kinds_are_refused(header: dict[str, Any]) -> None:
    with pytest.raises(UnauthenticatedError):
        read(encode(header, CLAIMS.model_dump(), lambda _: b"x"))


def test_our_own_tokens_are_told_from_secrets() -> None:
    token = encode({"alg": "EdDSA", "kid": "k", "typ": TOKEN_TYPE}, CLAIMS.model_dump(), lambda _: b"x" * 64)
    assert looks_signed(token)
    assert read(token).claims == CLAIMS
    assert not looks_signed("gardu_edge_00_x.y.z")


def test_what_is_too_long_is_not_read() -> None:
    with pytest.raises(ValueError, match="three parts"):
        decode("eyJ" + "A" * 5000 + ".A.A")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"iss": "south"}, ForbiddenError),
        ({"sub": "south"}, ForbiddenError),
        ({"aud": "somebody"}, ForbiddenError),
        ({"htm": "POST"}, ForbiddenError),
        ({"htu": "/there"}, ForbiddenError),
        ({"exp": CLAIMS.iat + 61}, ClockSkewError),
        ({"exp": CLAIMS.iat}, ClockSkewError),
        ({"exp": CLAIMS.iat - 5}, ClockSkewError),
    ],
)
def test_a_token_is_about_one_request(changed: dict[str, Any], error: type[GarduCloudError]) -> None:
    require_about(shown(RFC_8037_TOKEN), HERE, NOON)
    with pytest.raises(error):
        require_about(shown(RFC_8037_TOKEN, CLAIMS.model_copy(update=changed)), HERE, NOON)


@pytest.mark.parametrize(("seconds", "good"), [(-31, False), (-30, True), (0, True), (90, True), (91, False)])
def test_the_time_of_signing_is_the_clouds_within_half_a_minute(seconds: int, good: bool) -> None:  # noqa: FBT001 - a parameter of the test
    at = NOON + timedelta(seconds=seconds)
    if good:
        require_about(shown(RFC_8037_TOKEN), HERE, at)
        return
    with pytest.raises(ClockSkewError) as caught:
        require_about(shown(RFC_8037_TOKEN), HERE, at)
    assert caught.value.extensions == {"server_time": at.isoformat()}


@pytest.mark.parametrize(
    "bad",
    [
        {"kty": "OKP", "crv": "Ed25519", "x": RFC_8037.x, "y": RFC_8037.x},
        {"kty": "EC", "crv": "P-256", "x": RFC_8037.x},
        {"kty": "EC", "crv": "Ed25519", "x": RFC_8037.x},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": RFC_8037.x, "d": RFC_8037.x},
    ],
)
def test_what_is_no_public_key_is_refused(bad: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"private key|Ed25519|32 bytes"):
        PublicKey.model_validate(bad)
