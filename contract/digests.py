"""The digest of a day: what both sides count and sum, so that they can see whether they hold the same transactions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from contract.event_data import EventData
from contract.streams import Stream


@dataclass(frozen=True, slots=True)
class Ended:
    """What a digest takes of one transaction that has ended."""

    transaction: UUID
    stopped_at: datetime
    energy_wh: int | None


@dataclass(frozen=True, slots=True)
class DayDigest:
    """The transactions that ended within one day in UTC."""

    transactions: int = 0
    energy_wh: int = 0
    """Of those whose energy is known."""
    without_energy: int = 0
    """Transactions whose energy is not known."""
    hash: str = hashlib.sha256().hexdigest()
    """Hex: SHA-256 over their identities, ends (milliseconds) and energies, in the order of identities."""


class DayDigested(EventData):
    """How a day stands at the edge. A later one of the same day replaces it."""

    TYPE: ClassVar[str] = "DayDigested.v1"
    STREAM: ClassVar[Stream] = Stream.STATE

    day: date
    """In UTC; a transaction belongs to the day on which it ended."""
    transactions: int
    """That ended on it."""
    energy_wh: int
    """Delivered by those whose energy is known."""
    without_energy: int
    """Transactions whose energy is not known."""
    hash: str
    """`contract.digests.DayDigest.hash`."""
    ledger_seq: int
    """The newest number of the ledger when it was made: whoever has the ledger up to here holds the same."""


def digest(ended: Iterable[Ended]) -> DayDigest:
    """Sum up the transactions of one day, in any order."""
    lines, energy_wh, without = list[str](), 0, 0
    for one in ended:
        lines.append(f"{one.transaction} {round(one.stopped_at.timestamp() * 1000)} {one.energy_wh}")
        energy_wh += one.energy_wh or 0
        without += one.energy_wh is None
    text = "\n".join(sorted(lines))
    return DayDigest(len(lines), energy_wh, without, hashlib.sha256(text.encode()).hexdigest())
