"""Reading the times that charge points write.

OCPP 1.6 wants ISO 8601; seen are times without a zone, `+0200`, lower-case `z`, a blank for the `T`, nine fractional
digits, 1970 before the clock was set, and empty text. Every reading says how far it can be believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FUTURE_TOLERANCE = timedelta(minutes=5)
ABSURDLY_OLD = timedelta(days=366)
ISO_LENGTH = len("2026-11-23T05:00:00.000Z")

UNBELIEVED = frozenset({"no_time_stamp", "unreadable_time_stamp", "absurd", "clock_not_set"})
"""The flags of a reading that is the time of receipt, since what the charge point wrote says nothing."""


@dataclass(slots=True)
class Timestamp:
    """A reading of a charge point's time."""

    at: datetime
    """The best estimate, UTC: the charge point's own time where it is believable, else the time of receipt."""
    flag: str | None
    """`no_time_stamp`, `unreadable_time_stamp`, `no_zone`, `future`, `absurd` or `clock_not_set`; `None`: believed."""


def read(raw: object, received_at: datetime) -> Timestamp:
    """Read a time stamp that arrived at `received_at`."""
    if raw is None or raw == "":
        return Timestamp(received_at, "no_time_stamp")
    try:
        at = datetime.fromisoformat(raw.strip().upper() if isinstance(raw, str) else "")
    except ValueError:
        return Timestamp(received_at, "unreadable_time_stamp")
    flag = None
    if at.tzinfo is None:
        at, flag = at.replace(tzinfo=UTC), "no_zone"
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        return Timestamp(received_at, "absurd")
    if at < received_at - ABSURDLY_OLD or at > received_at + ABSURDLY_OLD:
        return Timestamp(received_at, "absurd")
    if at > received_at + FUTURE_TOLERANCE:
        return Timestamp(at, flag or "future")  # without a zone it is no wonder
    return Timestamp(at, flag)


def iso(instant: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ`: the one form in which Gardu writes an instant to a charge point and to SQLite."""
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def read_text(raw: object, received_at: datetime) -> str:
    """Read a time stamp as text in the form of `iso`; most charge points write it so themselves."""
    if isinstance(raw, str) and len(raw) >= ISO_LENGTH and raw[7:20:3] == "-T::." and raw[-1] == "Z":
        try:
            age = received_at - datetime.fromisoformat(raw)
        except ValueError:
            age = ABSURDLY_OLD
        if -FUTURE_TOLERANCE <= age < ABSURDLY_OLD:
            return raw if len(raw) == ISO_LENGTH else raw[: ISO_LENGTH - 1] + "Z"
    return iso(read(raw, received_at).at)


def canonical(raw: object) -> str:
    """Write a time stamp in one form, so that a repeated message is recognised however it spells its time."""
    text = str(raw or "").strip().upper()
    try:
        at = datetime.fromisoformat(text)
        return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)).isoformat()
    except (ValueError, OverflowError):
        return text
