"""What a charge point's request shows at the door: its identity in the URL, its key in the header."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.central_system.identity import MAX_LENGTH, from_path
from edge.central_system.station_security import read_basic


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/any/path/RDAM%20123", "RDAM 123"),
        ("//CP1", "CP1"),
        ("/CP1/", "CP1"),
        ("/ocpp//CP1", "CP1"),
        ("/CP1?x", "CP1"),
        ("/ocpp/CP1/?token=a/b", "CP1"),
        ("/CP1/CP1", "CP1"),
        ("/cp1", "cp1"),
        ("CP1", "CP1"),
        ("/ocpp/%E6%97%A5", "日"),
        ("/A%2520B", "A%20B"),
        ("/100%", "100%"),
        ("/A+B", "A+B"),
        ("/A:B", "A:B"),
        ("http://edge:9000/ocpp/CP1", "CP1"),
    ],
)
def test_the_last_segment_is_the_identity(path: str, identity: str) -> None:
    assert from_path(path) == identity


@pytest.mark.parametrize(
    "path", ["", "/", "//", "/?x", "/A%2FB", "/A%00", "/A%0AB", "/%FF", "/A%7F", "/%E2%80%AE", "/" + "x" * 256]
)
def test_a_path_without_a_printable_last_segment_has_no_identity(path: str) -> None:
    assert from_path(path) is None


@given(identity=st.text(min_size=1, max_size=48))
def test_an_encoded_identity_comes_back_or_is_refused(identity: str) -> None:
    expected = (
        identity
        if identity.isprintable() and "/" not in identity and "\N{REPLACEMENT CHARACTER}" not in identity
        else None
    )
    assert from_path("/ocpp/" + quote(identity, safe="")) == expected


@given(path=st.text())
def test_any_path_gives_a_printable_identity_or_none(path: str) -> None:
    identity = from_path(path)
    assert identity is None or (identity.isprintable() and "/" not in identity and 0 < len(identity) <= MAX_LENGTH)


def test_the_example_of_the_specification_is_read_as_bytes() -> None:
    user, key = read_basic("Basic QUwxMDAwOgABAgMEBQYH////////////////")
    assert (user, key) == (b"AL1000", bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"))


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "Basic  "])
def test_a_key_may_hold_colons(scheme: str) -> None:
    assert read_basic(f"{scheme} {base64.b64encode(b'CP1:a:b:').decode()}") == (b"CP1", b"a:b:")


def test_a_key_may_be_empty() -> None:
    assert read_basic(f"Basic {base64.b64encode(b'CP1:').decode()}") == (b"CP1", b"")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic QUw",
        "Basic Q1Ax",
        "Bearer Q1AxOmE=",
        "Basic Q1AxOmE= x",
        "Basic ü",
    ],
)
def test_garbage_is_no_user_and_no_key(header: str | None) -> None:
    assert read_basic(header) == (None, None)


@given(user=st.binary().filter(lambda user: b":" not in user), key=st.binary())
def test_any_bytes_come_through(user: bytes, key: bytes) -> None:
    assert read_basic("Basic " + base64.b64encode(user + b":" + key).decode()) == (user, key)


@given(header=st.text())
def test_no_header_raises(header: str) -> None:
    read_basic(header)
    read_basic("Basic " + header)
