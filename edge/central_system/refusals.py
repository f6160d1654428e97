"""Counts who was turned away: the first is told at once, what repeats it within the hour is one counted event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from contract.events import SecurityEventRecorded
from edge.operations.from_charge_point.request import subject
from edge.store.writer import WriteTx

MERGE_S = 3600.0
"""After a refusal was told, its repeats are gathered for so long."""
MAX_KINDS = 1000
"""Different refusals that are told apart within that time."""
UNKNOWN = "unknown"
MAX_UNKNOWN = 10
"""Identities that nobody knows that are told apart: whoever makes them up must not fill the ledger, which keeps all."""

Refusal = tuple[str, str]
"""Its kind and the identity that was named."""


class Refusals:
    """What was refused and not told yet."""

    def __init__(self) -> None:
        self._counts: Counter[Refusal] = Counter()
        self._told: dict[Refusal, float] = {}
        self._apart: set[Refusal] = set()

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, kind: str, identity: str) -> None:
        """Count one."""
        refusal = (kind, identity)
        if refusal not in self._apart:
            made_up = sum(kind == UNKNOWN for kind, _ in self._apart) if kind == UNKNOWN else 0
            if len(self._apart) >= MAX_KINDS or made_up >= MAX_UNKNOWN:
                refusal = (kind, "(others)")
            else:
                self._apart.add(refusal)
        self._counts[refusal] += 1

    def put_back(self, counts: Mapping[Refusal, int]) -> None:
        """Count again what could not be recorded."""
        self._counts.update(counts)
        for refusal in counts:
            self._told.pop(refusal, None)

    def take(self, now_s: float, *, all_of_them: bool = False) -> dict[Refusal, int]:
        """Hand over what is due, and begin anew with it.

        Args:
            now_s: a clock that never jumps.
            all_of_them: also what was told within the last hour: the process ends.
        """
        self._told = {refusal: at for refusal, at in self._told.items() if now_s - at < MERGE_S}
        due = {refusal: count for refusal, count in self._counts.items() if all_of_them or refusal not in self._told}
        for refusal in due:
            del self._counts[refusal]
            self._told[refusal] = now_s
        self._apart = {*self._told, *self._counts}
        return due


def record(counts: Mapping[Refusal, int], tx: WriteTx, now: datetime) -> None:
    """Put the counts into the ledger."""
    for (kind, identity), count in counts.items():
        tx.emit(
            SecurityEventRecorded(kind=kind, charge_point=identity, count=count),
            subject=subject(identity),
            occurred_at=now,
        )
