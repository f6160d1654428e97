from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.domain.keys import hash_key, key_forms, matches

SECRET = bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")
SALT = bytes(range(16))


def test_a_key_may_come_as_digits_of_either_case_or_as_its_bytes() -> None:
    assert key_forms(SECRET) == [
        b"0001020304050607ffffffffffffffffffffffff",
        b"0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF",
        SECRET,
    ]


@given(secret=st.binary(min_size=20, max_size=20), salt=st.binary(min_size=16, max_size=16), other=st.binary())
def test_only_the_stored_form_matches(secret: bytes, salt: bytes, other: bytes) -> None:
    for form in key_forms(secret):
        assert matches(form, salt, hash_key(form, salt))
        assert matches(other, salt, hash_key(form, salt)) == (other == form)


def test_the_hash_depends_on_the_salt_and_holds_no_key() -> None:
    assert hash_key(SECRET, SALT) != hash_key(SECRET, bytes(16))
    assert len(hash_key(SECRET, SALT)) == 32
