"""What an accepted remote start promises: a transaction within the charge point's ConnectionTimeOut (§5.11)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

GRACE = timedelta(seconds=30)
"""Beyond ConnectionTimeOut (§9.1.5), for an Authorize and for a slow line."""


class Outcome(StrEnum):
    """What came of a remote start."""

    ASKED = "Asked"
    """The charge point has not answered yet."""
    EXPECTED = "Expected"
    """It accepted; no transaction has begun so far."""
    STARTED = "Started"
    """Its transaction began."""
    NO_TRANSACTION = "NoTransaction"
    """It accepted, and no transaction began in time: no cable was plugged in, or the id tag was refused."""


LONGEST_TIMEOUT_S = 3600
"""What a charge point reports beyond that is taken for no value."""


def patience(reported: str | None, otherwise: timedelta) -> timedelta:
    """Say how long after the answer a transaction may begin.

    Args:
        reported: the charge point's own ConnectionTimeOut in seconds, as it told it; `None`: it is not known.
        otherwise: what holds where it is not known, or is no time.
    """
    seconds = int(reported[:9]) if reported is not None and reported.isascii() and reported.isdecimal() else 0
    return (timedelta(seconds=seconds) if 0 < seconds <= LONGEST_TIMEOUT_S else otherwise) + GRACE


def is_fulfilled(
    outcome: Outcome, asked_at: datetime, due_at: datetime, started_at: datetime, *, believed: bool
) -> bool:
    """Whether a start on the same connector with the same id tag is the one that was asked for.

    While it is expected, arriving is enough. Later only a start counts whose own time, if that can be believed, lies
    within the time that it had: its charge point was offline and delivers late.
    """
    if outcome in (Outcome.ASKED, Outcome.EXPECTED):
        return True
    return outcome is Outcome.NO_TRANSACTION and believed and asked_at - GRACE <= started_at <= due_at
