"""The commissioning window: for some minutes, charge points that nobody knows may present themselves."""

from __future__ import annotations


class CommissioningWindow:
    """Closed until it is opened; a restart closes it.

    Args:
        always_open: whether the site's settings keep it open.
    """

    def __init__(self, *, always_open: bool = False) -> None:
        self.always_open = always_open
        self._open_until_s = float("-inf")

    def open(self, now_s: float, for_s: float) -> None:
        """Open it for so many seconds from a monotonic time; an open one then ends at the new time."""
        self._open_until_s = now_s + for_s

    def close(self) -> None:
        """Close it now."""
        self._open_until_s = float("-inf")

    def left_s(self, now_s: float) -> float:
        """Tell for how many seconds it stays open; 0: it is closed."""
        return max(0.0, self._open_until_s - now_s)
