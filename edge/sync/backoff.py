"""How long to wait after a failure: full jitter between nothing and a growing ceiling, for ever.

Full jitter spreads many edges that lost the same cloud at the same moment over the whole interval
(https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LONGEST_RETRY_AFTER_S = 3600.0
"""No word of the other side silences an edge for longer."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The times of the link, in seconds. Only tests choose others."""

    first_s: float = 1.0
    """The ceiling of the first wait; each further failure doubles it."""
    longest_s: float = 300.0
    """The ceiling stops growing here."""
    slow_s: float = 300.0
    """The wait while only a person can help: refused credentials, a forked past."""
    linger_s: float = 1.0
    """How long an event that is not in the ledger may wait for company."""


@dataclass(slots=True)
class Backoff:
    """Counts failures and tells when to try again.

    Args:
        pace: first and longest ceiling.
        chance: a number in [0, 1) at each call, for example `random.random`.
    """

    pace: Pace
    chance: Callable[[], float]
    failures: int = 0
    """In a row. The number of tries has no limit."""
    until: float = 0.0
    """Not before this instant; of the same clock as the `now` that `failed` was given."""

    def failed(self, now: float, retry_after_s: float | None = None, *, busy: bool = False) -> None:
        """Wait after a failure.

        Args:
            now: any clock that does not go back, in seconds.
            retry_after_s: the least that the other side asked for; the jitter comes on top, so that not everybody
                who was told the same number returns in the same second.
            busy: the other side is well, and gave everybody another time: the jitter is no longer than what it asked,
                however long the outage before was.
        """
        asked = min(max(retry_after_s or 0.0, 0.0), LONGEST_RETRY_AFTER_S)
        ceiling_s = min(self.ceiling_s, max(asked, self.pace.first_s)) if busy else self.ceiling_s
        self.until = now + asked + self.chance() * ceiling_s
        self.failures += 1

    def slow(self, now: float) -> None:
        """Wait for a person: between half of `slow_s` and all of it."""
        self.until = now + self.pace.slow_s * (0.5 + self.chance() / 2)
        self.failures += 1

    def succeeded(self) -> None:
        """Forget the failures."""
        self.failures = 0
        self.until = 0.0

    @property
    def ceiling_s(self) -> float:
        """The longest that the next wait can be."""
        doublings = min(self.failures, 30)  # beyond, the ceiling is reached whatever the pace, and floats stay small
        return float(min(self.pace.first_s * 2**doublings, self.pace.longest_s))
