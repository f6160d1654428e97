"""What goes first when the disk fills: what the cloud has, and only at the end what nobody else has. No I/O."""

from __future__ import annotations

from enum import IntEnum


class Pressure(IntEnum):
    """How full the data volume is; each step includes those below it."""

    CALM = 0
    PRUNE_AFTER_A_DAY = 1
    """Acknowledged events older than a day go."""
    PRUNE_TELEMETRY = 2
    """All acknowledged events go but those of the ledger."""
    THIN = 3
    """Meter values that the cloud does not have are thinned to a quarter of an hour."""
    DROP = 4
    """The oldest meter values that the cloud does not have go; a `Skipped` says so."""


_STEPS = (
    (0.95, Pressure.DROP),
    (0.85, Pressure.THIN),
    (0.80, Pressure.PRUNE_TELEMETRY),
    (0.70, Pressure.PRUNE_AFTER_A_DAY),
)

RESTORE_BALLAST_BELOW = 0.90
"""The reserve file is made again when the volume is less full than this."""


def pressure(used: float) -> Pressure:
    """Judge a volume of which the fraction `used` (0 to 1) is taken."""
    return next((step for threshold, step in _STEPS if used >= threshold), Pressure.CALM)


def used_fraction(size: int, free: int, available: int, reusable: int) -> float:
    """How full a volume is, of what its user may fill, as `df` says.

    Args:
        size: all bytes of the volume.
        free: those that nobody has taken.
        available: of these, what this user may take; the file system or a quota keeps the others back.
        reusable: bytes that are free inside the database file.

    Returns:
        From 0 to 1.
    """
    taken = size - free
    return max(0, taken - reusable) / max(1, taken + available)
