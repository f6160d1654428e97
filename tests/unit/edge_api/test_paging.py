from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.api import paging
from edge.api.problems import ProblemError


@given(text=st.text(), number=st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_cursor_comes_back_as_it_was_written(text: str, number: int) -> None:
    cursor = paging.write("list", text, number)
    assert paging.read(cursor, "list", str, int) == [text, number]
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?#")


def test_no_cursor_is_the_first_page() -> None:
    assert paging.read(None, "list", int) is None


@given(cursor=st.text())
def test_nothing_but_a_cursor_is_taken_for_one(cursor: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        paging.read(cursor, "list", int)
    assert refusal.value.problem.status == 422
    assert refusal.value.problem.hint


@pytest.mark.parametrize(
    "cursor",
    [
        paging.write("other", 1),
        paging.write("list", "1"),
        paging.write("list", 1, 1),
        paging.write("list"),
        paging.write("list", 2**63),
        paging.write("list", True),
    ],
)
def test_a_cursor_of_another_kind_is_refused(cursor: str) -> None:
    with pytest.raises(ProblemError):
        paging.read(cursor, "list", int)


def test_a_page_is_cut_where_the_limit_is() -> None:
    assert paging.cut([1, 2, 3], 2, str) == ([1, 2], "2")
    assert paging.cut([1, 2], 2, str) == ([1, 2], None)
    assert paging.cut([], 2, str) == ([], None)
