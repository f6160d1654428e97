from __future__ import annotations

import pytest

from edge.domain.disk_budget import Pressure, pressure


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
