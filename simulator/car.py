"""A car: its battery, how much it may draw, and how it tapers when nearly full."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

TAPER_FROM_SOC = 0.8
"""Up to this state of charge a car draws constant power."""
TRICKLE = 0.06
"""The share of its power that a car still draws just before it is full."""
_SOC_STEP = 0.002


@dataclass(slots=True)
class Car:
    """One car on its visit.

    Attributes:
        model: What a person would call it.
        battery_wh: Capacity.
        soc: State of charge, 0 to 1.
        target_soc: Where it stops drawing, above `soc` and at most 1.
        max_power_w: The most that it takes over all phases.
        phases: 1 or 3.
    """

    model: str
    battery_wh: float
    soc: float
    target_soc: float
    max_power_w: float
    phases: int

    @property
    def full(self) -> bool:
        """Whether it has what it came for and draws no more."""
        return self.soc >= self.target_soc

    @property
    def needs_wh(self) -> float:
        """The energy that it still wants."""
        return max(0.0, self.target_soc - self.soc) * self.battery_wh

    def shrunk(self, speed: float) -> Car:
        """The same car with a battery `speed` times smaller, so that it fills `speed` times sooner."""
        return replace(self, battery_wh=self.battery_wh / speed)

    def power_w(self, limit_w: float) -> float:
        """What it draws now when it may draw `limit_w`: constant, then falling towards a trickle."""
        if self.full:
            return 0.0
        falling = 1 - (1 - TRICKLE) * (self.soc - TAPER_FROM_SOC) / (1 - TAPER_FROM_SOC)
        return min(limit_w, self.max_power_w * min(1.0, falling))

    def charge(self, seconds: float, limit_w: float) -> float:
        """Draw power for a while.

        Returns:
            The energy that went through the cable, in Wh.
        """
        before_wh = self.soc * self.battery_wh
        left_s = seconds
        while left_s > 0 and not self.full:
            power_w = self.power_w(limit_w)
            if power_w <= 0:
                break
            step_s = min(left_s, _SOC_STEP * self.battery_wh * 3600 / power_w)
            self.soc = min(self.target_soc, self.soc + power_w * step_s / 3600 / self.battery_wh)
            if math.isclose(self.soc, self.target_soc, abs_tol=1e-9):
                self.soc = self.target_soc
            left_s -= step_s
        return self.soc * self.battery_wh - before_wh
