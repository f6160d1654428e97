from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.domain.keys import hash_key, key_forms, matches

SECRET = bytes(range(240, 256)) + b"\x01\xab\xcd\xef"


def test_a_key_has_three_forms_on_the_wire() -> None:
    lower, upper, raw = key_forms(SECRET)
    assert lower == SECRET.hex().encode()
    assert upper == SECRET.hex().upper().encode()
    assert raw == SECRET


@given(secret=st.binary(min_size=20, max_size=20), salt=st.binary(min_size=16, max_size=16))
def test_each_form_matches_its_own_hash_alone(secret: bytes, salt: bytes) -> None:
    for form in key_forms(secret):
        assert matches(form, salt, hash_key(form, salt))
        assert not matches(form + b"x", salt, hash_key(form, salt))
        assert not matches(form, salt + b"x", hash_key(form, salt))


def test_a_hash_of_another_length_matches_nothing() -> None:
    assert not matches(b"a", b"salt", b"")
