"""How far time has certainly come, for what is removed by age: a clock that jumps makes nothing old. No I/O."""

from __future__ import annotations

from datetime import datetime, timedelta


def passed_to(known: datetime | None, now: datetime, elapsed_s: float, *, synchronised: bool) -> datetime:
    """Tell the time that has come for sure.

    Args:
        known: what this said last; `None`: never anything.
        now: of the wall clock. Unless a time server keeps it, it may have jumped.
        elapsed_s: since then, by a clock that nobody sets; 0: not known, after a restart.
        synchronised: a time server keeps the wall clock.
    """
    if synchronised or known is None:
        return now
    return known + timedelta(seconds=elapsed_s)


def removal_time(passed: datetime, now: datetime) -> datetime:
    """From which instant ages count when something is removed: the earlier one, so a clock set back keeps more."""
    return min(passed, now)
