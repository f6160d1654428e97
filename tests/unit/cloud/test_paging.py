"""A cursor comes back as the key that it was made from, or is refused."""

from __future__ import annotations

import contextlib
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.db.paging import decode_key, encode_key, page_of
from cloud.errors import InvalidFieldError
from cloud.transactions.schemas import KEY, METER_KEY, Key


@given(st.datetimes(timezones=st.just(UTC)), st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00")))
def test_a_key_survives_the_way_there_and_back(instant: datetime, site: str) -> None:
    key: Key = (instant, site, UUID(int=7))
    assert decode_key(encode_key(key), KEY) == key


@given(st.text())
def test_any_text_is_a_key_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidFieldError):
        decode_key(text, KEY)


@pytest.mark.parametrize("key", [["2026-01-01T00:00:00", "a", 1, 1, 1], ["2026-01-01T00:00:00Z", "a", 2**80, 1, 1]])
def test_a_key_outside_of_what_a_database_holds_is_refused(key: list[object]) -> None:
    with pytest.raises(InvalidFieldError):
        decode_key(urlsafe_b64encode(json.dumps(key).encode()).decode(), METER_KEY)


def test_no_cursor_is_the_first_page() -> None:
    assert decode_key(None, KEY) is None


@pytest.mark.parametrize(("rows", "more"), [(0, False), (2, False), (3, True)])
def test_one_row_too_many_means_another_page(rows: int, more: bool) -> None:  # noqa: FBT001
    page = page_of(list(range(rows)), 2, key=lambda row: (row,), item=str)
    assert page.items == [str(row) for row in range(min(rows, 2))]
    assert (page.next_cursor is not None) is more
