"""How long the central system bears a charge point that is silent, or that sends but does not listen."""

from __future__ import annotations

from enum import Enum, auto

from edge.domain.recent import Recent

PATIENCE = 3
"""Intervals of silence that are borne."""
CYCLE_WINDOW_S = 3600.0
CYCLES_BEFORE_ALARM = 3


def bears_s(ping_interval_s: float, heartbeat_interval_s: float, *, pongs: bool) -> float:
    """Tell how long a charge point may be silent before its connection counts as dead, in seconds.

    One that answers pings speaks at least once per ping interval. Some never answer one, and are judged by their
    heartbeats: a missing pong alone proves nothing.
    """
    return PATIENCE * (ping_interval_s if pongs else max(ping_interval_s, heartbeat_interval_s))


def ping_interval_s(site_s: float, needed_s: int | None) -> float:
    """Say how often to ping a charge point: as the site does, or more often where its line needs it.

    Args:
        site_s: the site's interval.
        needed_s: what its kind needs, since it drops a quiet connection; `None`: nothing is known.
    """
    return site_s if needed_s is None else min(site_s, needed_s)


class Step(Enum):
    """What to do about a charge point that left several calls in a row unanswered."""

    CLOSE = auto()
    """A new connection may cure it."""
    CLOSE_AND_ALARM = auto()
    """New connections did not cure it: a person has to look."""
    BEAR = auto()
    """A person has been told; another new connection would only be a loop."""


class Deafness:
    """Remembers, over all its connections, which charge point did not listen."""

    def __init__(self) -> None:
        self._cycles: dict[str, Recent] = {}
        self._alarmed: set[str] = set()

    def restore(self, alarmed: set[str]) -> None:
        """Take over the alarms that stand since before this process began."""
        self._alarmed |= alarmed

    def unanswered(self, charge_point: str, now_s: float) -> Step:
        """Count one connection on which calls were not answered."""
        if charge_point in self._alarmed:
            return Step.BEAR
        cycles = self._cycles.setdefault(charge_point, Recent(CYCLE_WINDOW_S, CYCLES_BEFORE_ALARM))
        if cycles.add(now_s) < CYCLES_BEFORE_ALARM:
            return Step.CLOSE
        self._alarmed.add(charge_point)
        return Step.CLOSE_AND_ALARM

    def answered(self, charge_point: str) -> bool:
        """Note that a call was answered.

        Returns:
            Whether that ends an alarm.
        """
        if charge_point not in self._alarmed:
            return False
        self._alarmed.discard(charge_point)
        self._cycles.pop(charge_point, None)
        return True
