"""Cursor paging: a page ends with the sort key of its last row, and the next one goes on behind it.

Rows that arrive meanwhile neither repeat nor hide another row, as they would with page numbers.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Query
from pydantic import TypeAdapter

from cloud.errors import InvalidFieldError
from contract.model import UtcDatetime
from contract.resources import Page

DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows of one page.")]
After = Annotated[str | None, Query(alias="cursor", description="`next_cursor` of the page before.")]

Since = Annotated[UtcDatetime | None, Query(alias="from", description="Inclusive, with an offset.")]
Until = Annotated[UtcDatetime | None, Query(alias="to", description="Exclusive, with an offset.")]

_LARGEST = 2**63 - 1

Key = TypeVar("Key", bound=tuple[Any, ...])
Row = TypeVar("Row")
Item = TypeVar("Item")


def encode_key(key: Sequence[object]) -> str:
    """Turn a sort key into an opaque cursor."""
    return base64.urlsafe_b64encode(orjson.dumps(list(key), default=str)).decode().rstrip("=")


def decode_key(cursor: str | None, shape: TypeAdapter[Key]) -> Key | None:
    """Read a cursor back; `None` stays `None`: the first page.

    Raises:
        InvalidFieldError: it was not made by `encode_key` for the same list.
    """
    if cursor is None:
        return None
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        key = shape.validate_python(tuple(values))
    except (ValueError, TypeError) as error:
        raise _bad_cursor() from error
    if any(_is_outside(part) for part in key):
        raise _bad_cursor()
    return key


def _is_outside(part: object) -> bool:
    return (
        (isinstance(part, datetime) and part.tzinfo is None)
        or (isinstance(part, int) and abs(part) > _LARGEST)
        or (isinstance(part, str) and "\x00" in part)
    )


def _bad_cursor() -> InvalidFieldError:
    return InvalidFieldError(
        "cursor",
        "is not a cursor of this list",
        hint="Pass the `next_cursor` of the page before, unchanged, or leave `cursor` out for the first page.",
    )


def page_of(
    rows: Sequence[Row], limit: int, *, key: Callable[[Row], Sequence[object]], item: Callable[[Row], Item]
) -> Page[Item]:
    """Build a page from up to `limit + 1` rows: the one too many says that there is a next page."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(items=[item(row) for row in shown], next_cursor=encode_key(key(shown[-1])) if more else None)
