"""Counts who was turned away, so that a flood of refusals becomes a few counted events."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from contract.events import SecurityEventRecorded
from edge.operations.from_charge_point.request import subject
from edge.store.writer import WriteTx

MAX_KINDS = 1000
"""Different refusals that are told apart between two flushes."""
UNKNOWN = "unknown"
MAX_UNKNOWN = 10
"""Identities that nobody knows that are told apart: whoever makes them up must not fill the ledger, which keeps all."""


class Refusals:
    """What was refused since the last flush."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._unknown = 0

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, kind: str, identity: str) -> None:
        """Count one."""
        key = (kind, identity)
        if key not in self._counts:
            full = len(self._counts) >= MAX_KINDS or (kind == UNKNOWN and self._unknown >= MAX_UNKNOWN)
            if full:
                key = (kind, "(others)")
            elif kind == UNKNOWN:
                self._unknown += 1
        self._counts[key] += 1

    def put_back(self, counts: dict[tuple[str, str], int]) -> None:
        """Count again what could not be recorded."""
        self._counts.update(counts)

    def take(self) -> dict[tuple[str, str], int]:
        """Hand over the counts and begin anew."""
        counts, self._counts, self._unknown = dict(self._counts), Counter(), 0
        return counts


def record(counts: dict[tuple[str, str], int], tx: WriteTx, now: datetime) -> None:
    """Put the counts into the ledger."""
    for (kind, identity), count in counts.items():
        tx.emit(
            SecurityEventRecorded(kind=kind, charge_point=identity, count=count),
            subject=subject(identity),
            occurred_at=now,
        )
