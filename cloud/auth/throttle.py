"""How often an address may knock at a door that anybody can reach. No I/O; each replica counts for itself."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

MOST_ADDRESSES = 10_000
"""Remembered at once; beyond, the ones that were quiet the longest are forgotten."""


@dataclass
class Throttle:
    """A bucket of attempts for each address; it fills up again with time.

    Only attempts that fail cost something: whoever shows a good token is given his back.
    """

    burst: int = 10
    """Attempts that may follow each other at once."""
    every_s: float = 6.0
    """Seconds until one more is allowed."""
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Address to attempts left, and when that was true."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, address: str, now: float) -> float:
        """Use up one attempt.

        Args:
            address: whose.
            now: seconds of a clock that does not go back.

        Returns:
            Seconds to wait; 0: go ahead.
        """
        with self._lock:
            left = self._left(address, now)
            if left < 1:
                return (1 - left) * self.every_s
            self._put(address, left - 1, now)
            return 0.0

    def give_back(self, address: str, now: float) -> None:
        """The attempt was a good one."""
        with self._lock:
            self._put(address, min(self._left(address, now) + 1, float(self.burst)), now)

    def _left(self, address: str, now: float) -> float:
        left, since = self._buckets.get(address, (float(self.burst), now))
        return min(left + (now - since) / self.every_s, float(self.burst))

    def _put(self, address: str, left: float, now: float) -> None:
        self._buckets.pop(address, None)
        self._buckets[address] = (left, now)
        while len(self._buckets) > MOST_ADDRESSES:
            del self._buckets[next(iter(self._buckets))]
