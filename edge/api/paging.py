"""Cursor paging: a page names the place where the next one begins, so rows that arrive meanwhile shift nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Query

from edge.api.problems import ProblemError, invalid

Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many items.")]
Cursor = Annotated[
    str | None, Query(description="`next_cursor` of the page before; leave it out for the first page.", max_length=1000)
]

_LARGEST = 2**63 - 1
"""SQLite's largest integer."""


def write(listing: str, *position: str | int) -> str:
    """Write a place in a listing as an opaque cursor."""
    return base64.urlsafe_b64encode(orjson.dumps([listing, *position])).decode("ascii").rstrip("=")


def read(cursor: str | None, listing: str, *kinds: type[str | int]) -> Sequence[Any] | None:
    """Read a cursor of `write`.

    Args:
        cursor: as the reader sent it; `None`: the first page.
        listing: the list that it has to belong to.
        kinds: the types of its position.

    Raises:
        ProblemError: 422, it is no cursor of this listing.
    """
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = orjson.loads(text)
    except ValueError:
        raise _bad() from None
    if not isinstance(place, list) or len(place) != len(kinds) + 1 or place[0] != listing:
        raise _bad()
    if not all(_fits(value, kind) for value, kind in zip(place[1:], kinds, strict=True)):
        raise _bad()
    return place[1:]


def cut(rows: Sequence[Row], limit: int, cursor: Callable[[Row], str]) -> tuple[Sequence[Row], str | None]:
    """Cut `limit` rows off a query that asked for one more, and say where the next page begins."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], cursor(rows[limit - 1])


def _fits(value: object, kind: type[str | int]) -> bool:
    return type(value) is kind and (not isinstance(value, int) or abs(value) <= _LARGEST)


def _bad() -> ProblemError:
    return invalid(
        "cursor",
        "is not a cursor of this list",
        hint="Pass next_cursor of the page before as it came, or leave cursor out to begin at the first page.",
    )
