"""How far a charge point's clock is off, learned from messages that are sent as they happen.

Only what is never queued teaches (StatusNotification): a queued record is old without its clock being wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

from edge.domain.timestamps import Timestamp

KEPT = 5
"""Latest offsets that count."""
FEWEST = 3
"""Offsets that make an estimate."""
SPREAD_S = 120.0
"""Offsets that lie further apart show a clock that was set meanwhile, or a slow line: no estimate."""
WORTH_S = 60.0
"""A clock that is off by less is left alone."""
QUARTER_S = 900.0
NEAR_QUARTER_S = 120.0


def learn(offsets_s: Sequence[float], offset_s: float) -> tuple[list[float], float | None]:
    """Take one more offset (receipt minus time stamp, in seconds).

    Returns:
        The offsets to keep, and the estimate; `None`: there is none that is stable.
    """
    kept = [*offsets_s, offset_s][-KEPT:]
    stable = len(kept) >= FEWEST and max(kept) - min(kept) <= SPREAD_S
    return kept, median(kept) if stable else None


def correct(stamp: Timestamp, skew_s: float | None) -> Timestamp:
    """Correct a reading by what is known of its clock.

    A time without a zone gets the zone that the offset shows (a multiple of 15 minutes, within two minutes); any other
    reading moves by the offset. A reading that is the time of receipt, or a small offset, stays as it is.

    Args:
        stamp: the reading.
        skew_s: the estimate; `None`: none.
    """
    if skew_s is None or abs(skew_s) <= WORTH_S:
        return stamp
    if stamp.flag == "no_zone":
        zone_s = round(skew_s / QUARTER_S) * QUARTER_S
        if zone_s == 0 or abs(skew_s - zone_s) > NEAR_QUARTER_S:
            return stamp
        return Timestamp(stamp.at + timedelta(seconds=zone_s), "zone_from_skew")
    if stamp.flag not in (None, "future"):
        return stamp
    return Timestamp(stamp.at + timedelta(seconds=skew_s), "skewed")
