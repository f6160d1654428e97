"""What the directory's endpoints share."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Response, status
from pydantic import TypeAdapter

from contract.problems import Problem

KEY = TypeAdapter(tuple[str])
"""The sort key of lists by id."""

_SLUG = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"

IdTagId = Annotated[str, Path(description="The id tag; its case does not matter.")]
PersonId = Annotated[str, Path(pattern=_SLUG, description="The person's opaque id.")]
GroupId = Annotated[str, Path(pattern=_SLUG, description="The group's id.")]
TariffId = Annotated[str, Path(pattern=_SLUG, description="The tariff's id.")]
SiteId = Annotated[str, Path(description="The site's slug.")]

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Problem}}


def created(response: Response, *, new: bool) -> None:
    """Answer 201 for what is new."""
    response.status_code = status.HTTP_201_CREATED if new else status.HTTP_200_OK
