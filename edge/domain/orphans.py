"""When a transaction whose stop is missing counts as over (OCPP 1.6 ed. 2 §3.7: records may come late).

Nothing here closes at once: a sign only makes a transaction suspect, and time, given to the charge point to deliver
what it has queued, closes it provisionally. The charge point's own stop wins at any time after.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.domain.connector import IN_USE, OVER


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a charge point is given."""

    suspect: timedelta = timedelta(hours=1)
    """From the suspicion to the provisional end: longer than a queue with ten attempts in minutes takes (§3.7.1)."""
    silent: timedelta = timedelta(hours=24)
    """Without a word from the charge point until its transactions become suspect."""
    silent_suspect: timedelta = timedelta(hours=48)
    """From the suspicion to the end, where silence is all that speaks against it: it may charge offline."""

    def of(self, why: str) -> timedelta:
        """Give the time for a suspicion."""
        return self.silent_suspect if why == SILENT else self.suspect


@dataclass(frozen=True, slots=True)
class Seen:
    """What was last seen of a transaction's charge point and connector; `None` wherever nothing was."""

    started: datetime | None
    """When its start arrived, or its last answer to a suspicion."""
    status: str | None
    """`None` also where it says nothing: some report Available with a car plugged in."""
    status_at: datetime | None
    """When that status arrived."""
    booted_at: datetime | None
    heard_at: datetime | None
    """When the charge point was last heard."""


@dataclass(frozen=True, slots=True)
class Sign:
    """That something speaks against a transaction."""

    why: str
    since: datetime


BOOTED, SILENT = "charge_point_booted", "charge_point_silent"
AVAILABLE = "connector_has_no_transaction"
SIGNS = frozenset({BOOTED, SILENT, AVAILABLE})
"""What `sign` finds. Other suspicions come from messages, and only a sign of life ends them."""


def sign(seen: Seen, now: datetime, patience: Patience) -> Sign | None:
    """Find what speaks against a running transaction; `None`: nothing.

    A status that shows no transaction is strong, but some models report it while they charge, and after an outage it
    overtakes the queued stop. A boot is weak: some resume, others send their stop minutes later. Silence is weaker.
    """
    started = seen.started
    if seen.status in OVER and seen.status_at is not None:
        return Sign(AVAILABLE, seen.status_at if started is None else max(seen.status_at, started))
    if seen.booted_at is not None and (started is None or seen.booted_at > started):
        resumed = seen.status in IN_USE and seen.status_at is not None and seen.status_at >= seen.booted_at
        return None if resumed else Sign(BOOTED, seen.booted_at)
    heard = max((at for at in (seen.heard_at, seen.status_at, started) if at is not None), default=None)
    if heard is not None and now - heard >= patience.silent:
        return Sign(SILENT, heard)
    return None
