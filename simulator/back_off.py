"""How long to wait before the next attempt to connect."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(slots=True)
class BackOff:
    """Doubling waits with jitter, so that a building's charge points do not come back all at once.

    Attributes:
        chance: Source of the jitter.
        first_s: The longest first wait.
        most_s: The longest wait of all.
        failures: Attempts that failed in a row.
    """

    chance: Random
    first_s: float = 1.0
    most_s: float = 30.0
    failures: int = 0

    def next_s(self) -> float:
        """The wait after one more failure: between half and all of `first_s` x 2^failures, at most `most_s`."""
        ceiling_s = min(self.most_s, self.first_s * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return ceiling_s * self.chance.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin again, after a connection that worked."""
        self.failures = 0
