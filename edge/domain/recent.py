"""How often something happened lately."""

from __future__ import annotations

from collections import deque


class Recent:
    """Counts within a sliding window.

    Args:
        within_s: the window's length in seconds.
        keep: at most so many are kept; larger counts are never told.
    """

    def __init__(self, within_s: float, keep: int) -> None:
        self._within_s = within_s
        self._times: deque[float] = deque(maxlen=keep)

    def add(self, now_s: float) -> int:
        """Count one at a monotonic time, and tell how many the window holds."""
        self._times.append(now_s)
        return self.count(now_s)

    def count(self, now_s: float) -> int:
        """Tell how many the window that ends now holds."""
        while self._times and self._times[0] <= now_s - self._within_s:
            self._times.popleft()
        return len(self._times)
