"""Slows down whoever guesses keys: so many failures in a minute, then a pause. Each pair of names has its own count."""

from __future__ import annotations

from collections import OrderedDict, deque

Who = tuple[str, str]
"""Identity and address: a guesser must not lock the charge point itself out, nor others behind the same address."""


class Throttle:
    """Remembers failures.

    Args:
        most: failures that are looked at within the window; after them nothing is.
        window_s: seconds after which a failure is forgotten.
        remembered: pairs that are kept; the one that failed longest ago goes first, so that memory stays bounded.
    """

    def __init__(self, *, most: int = 10, window_s: float = 60.0, remembered: int = 10_000) -> None:
        self._most = most
        self._window_s = window_s
        self._remembered = remembered
        self._failures: OrderedDict[Who, deque[float]] = OrderedDict()

    def wait_s(self, who: Who, now: float) -> float:
        """Seconds until `who` may try again; 0: at once.

        Args:
            who: identity and address.
            now: monotonic seconds.
        """
        failures = self._failures.get(who)
        if failures is None or len(failures) < self._most:
            return 0.0
        return max(0.0, failures[0] + self._window_s - now)

    def failed(self, who: Who, now: float) -> None:
        """Count a failure."""
        failures = self._failures.setdefault(who, deque(maxlen=self._most))
        failures.append(now)
        self._failures.move_to_end(who)
        if len(self._failures) > self._remembered:
            self._failures.popitem(last=False)

    def succeeded(self, who: Who) -> None:
        """Forget its failures: it knew the key after all."""
        self._failures.pop(who, None)
