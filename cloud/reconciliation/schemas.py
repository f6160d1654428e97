"""What is compared, as the API shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pydantic import TypeAdapter

from contract.model import Record, UtcDatetime

Key = tuple[date, str]
"""The sort key of a day: when, site."""

KEY = TypeAdapter[Key](Key)


class Agreement(StrEnum):
    """What comes of the comparison."""

    AGREES = "agrees"
    """Both hold the same transactions, with the same ends and energies."""
    PENDING = "pending"
    """Not all that the edge counted has arrived, or the day is not over and more has arrived since the edge told."""
    DIFFERS = "differs"
    """The cloud has all that the edge had sent, and holds something else. A person should look."""


class Sums(Record):
    """One side's sums of a day."""

    transactions: int
    """That ended on this day in UTC."""
    energy_wh: int
    without_energy: int
    """Transactions whose energy is not known."""


class ReconciledDay(Record):
    """One day of one site, from both sides."""

    site: str
    day: date
    """In UTC; a transaction belongs to the day on which it ended."""
    agreement: Agreement
    edge: Sums
    cloud: Sums
    told_at: UtcDatetime
    """When the edge summed the day up, by its clock."""


@dataclass(frozen=True, slots=True)
class DayFilter:
    """Of days. All conditions hold together; `None`: any."""

    site: str | None = None
    since: date | None = None
    """Inclusive."""
    until: date | None = None
    """Inclusive."""
