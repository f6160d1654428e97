"""When a transaction that may draw only so much has drawn it."""

from __future__ import annotations


def is_reached(meter_start_wh: int | None, register_wh: int | None, limit_wh: int) -> bool:
    """Whether the limit is reached, as far as it was metered.

    Args:
        meter_start_wh: the register at the start; `None`: not told. Then the limit cannot be watched, and counts as
            reached with the first sample: an unknown id tag gets no energy that nobody counts.
        register_wh: the newest sample of the register; `None`: none came yet.
        limit_wh: what may be drawn.
    """
    if register_wh is None:
        return False
    if meter_start_wh is None:
        return True
    return register_wh - meter_start_wh >= limit_wh
