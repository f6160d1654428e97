"""The types of the fields that requests to a charge point are made of, and the bases of their answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from contract.model import OcppPayload, UtcDatetime

LARGEST = 2**31 - 1
"""Charge points keep integers in 32 bits."""

_NO_NUL = r"^[^\x00]*$"
"""No database keeps a NUL in a text. A text with a limit may hold no lone surrogate either: pydantic sees to that."""

IdToken = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=_NO_NUL)]
CiString50 = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=_NO_NUL)]
FreeText = Annotated[str, StringConstraints(max_length=65_536, pattern=_NO_NUL)]
"""OCPP sets no limit; this is more than the APIs take as a whole."""
ConfigurationValue = Annotated[str, StringConstraints(max_length=10_000, pattern=_NO_NUL)]
"""Longer than the 500 characters of OCPP: some charge points take whole certificates in this way."""
CiString255 = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=_NO_NUL)]

Integer = Annotated[int, Field(strict=True, ge=-LARGEST - 1, le=LARGEST)]
NaturalNumber = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
PositiveNumber = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
ConnectorId = PositiveNumber
ConnectorIdOrZero = NaturalNumber
TransactionId = Integer
Seconds = NaturalNumber

Location = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[A-Za-z][A-Za-z0-9+.\-]*:[!-~]+$")]
"""A URI of a file or folder; the security extension allows 512 characters, so all may have that many."""


def _written(value: object) -> object:
    if not isinstance(value, str | datetime):
        raise ValueError("must be a date and time in ISO 8601 with its offset")  # noqa: TRY004 - pydantic's way
    return value


Instant = Annotated[UtcDatetime, BeforeValidator(_written), AfterValidator(lambda at: at.replace(microsecond=0))]
"""A date and time with its offset. Sent in UTC and in whole seconds, the one form that every charge point reads."""


class StatusAnswer(OcppPayload):
    """An answer that is a status alone."""

    status: str


class EmptyAnswer(OcppPayload):
    """An answer without a field: the charge point has received the request. What comes of it is told later."""
