from __future__ import annotations

import pytest

from edge.domain.disk_budget import Pressure, pressure, used_fraction


@pytest.mark.parametrize(
    ("used", "step"),
    [
        (0.0, Pressure.CALM),
        (0.6999, Pressure.CALM),
        (0.70, Pressure.PRUNE_AFTER_A_DAY),
        (0.80, Pressure.PRUNE_TELEMETRY),
        (0.85, Pressure.THIN),
        (0.9499, Pressure.THIN),
        (0.95, Pressure.DROP),
        (1.0, Pressure.DROP),
    ],
)
def test_each_step_begins_at_its_mark(used: float, step: Pressure) -> None:
    assert pressure(used) is step


@pytest.mark.parametrize(
    ("size", "free", "available", "reusable", "used"),
    [
        (100, 100, 100, 0, 0.0),
        (100, 25, 25, 0, 0.75),
        (100, 5, 0, 0, 1.0),  # what is left is kept back for the superuser
        (252, 211, 51, 0, 41 / 92),  # a quota: most of the volume is somebody else's
        (100, 20, 20, 30, 0.5),
        (100, 95, 95, 30, 0.0),
        (0, 0, 0, 0, 0.0),
    ],
)
def test_a_volume_is_as_full_as_its_user_finds_it(
    size: int, free: int, available: int, reusable: int, used: float
) -> None:
    assert used_fraction(size, free, available, reusable) == pytest.approx(used)
