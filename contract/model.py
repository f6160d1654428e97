"""The pydantic bases of everything that crosses between two processes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:  # pydantic reports a ValueError as the field's fault, and lets this one through
        raise ValueError("lies outside the years 1 to 9999 in UTC") from error


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An instant. Input needs an offset; what is stored and sent is UTC."""

StoredInt = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""A whole number that the databases on both sides can hold: one that they cannot is refused where it is read."""


class Record(BaseModel):
    """A snake_case document of ours.

    Unknown fields are ignored, so that an older reader understands a newer writer (additive changes only).
    """

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class OcppPayload(BaseModel):
    """An OCPP 1.6 payload: camelCase on the wire, no field that the specification does not name."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )
