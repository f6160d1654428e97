"""Whether a start that arrives late begins what was observed in meter values before it (OCPP 1.6 ed. 2 §3.7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

SAME_MOMENT = timedelta(minutes=1)
"""A first sample may be stamped a little before the start that it belongs to."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is known of the beginning of a transaction, or of what was observed of one."""

    at: datetime
    register_wh: int | None
    """`None`: nothing told it."""


def begins(start: Beginning, observed: Beginning, *, believed: bool, running: bool) -> bool:
    """Tell whether an observed transaction is the one that a start on its connector begins.

    One connector has one transaction at a time, so what was metered after the start is the start's. Time decides where
    the charge point has one; where it has none, the register does, which only rises within a transaction.

    Args:
        start: what the start says.
        observed: its first sample.
        believed: whether the start's time is the charge point's own.
        running: whether the observed one has not ended yet.
    """
    if believed:
        return start.at <= observed.at + SAME_MOMENT
    if start.register_wh is None or observed.register_wh is None:
        return False
    return running and start.register_wh <= observed.register_wh


def ended_before(stopped_at: datetime, first_sample: datetime | None) -> bool:
    """Tell whether an end lies before what was observed: it is then the end of an earlier transaction."""
    return first_sample is not None and stopped_at + SAME_MOMENT < first_sample
