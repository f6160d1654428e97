"""A connector's energy meter: a register that only rises, and the samples that it gives."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

SampledValue = dict[str, str]
"""One sampledValue (OCPP 1.6 ed. 2 §7.43), keys in the `ocpp` package's snake case."""

ENERGY = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
CURRENT = "Current.Import"
VOLTAGE = "Voltage"
SOC = "SoC"
MEASURANDS = (ENERGY, POWER, CURRENT, VOLTAGE, SOC)
"""All that these meters can tell."""


@dataclass(slots=True)
class Draw:
    """What flows at one instant.

    Attributes:
        power_w: Active power over all phases.
        phases: How many phases carry it.
        soc: The car's state of charge, 0 to 1; `None` when no car tells.
    """

    power_w: float = 0.0
    phases: int = 3
    soc: float | None = None


@dataclass(slots=True)
class Meter:
    """The meter behind one connector.

    Attributes:
        register_wh: Energy since it was made.
        voltage_v: Phase to neutral.
        max_current_a: What the connector may carry per phase.
        draw: What flows now.
        offered_a: What charging profiles leave per phase; `None`: they say nothing.
    """

    register_wh: float = 0.0
    voltage_v: float = 230.0
    max_current_a: float = 32.0
    draw: Draw = field(default_factory=Draw)
    offered_a: float | None = None

    @property
    def reading_wh(self) -> int:
        """The register as it is reported: whole Wh, rounded down."""
        return int(self.register_wh)

    def limit_w(self, phases: int) -> float:
        """The most that the connector may deliver over so many phases."""
        most_a = self.max_current_a if self.offered_a is None else min(self.offered_a, self.max_current_a)
        return most_a * self.voltage_v * phases

    def count(self, energy_wh: float) -> None:
        """Let energy pass.

        Raises:
            ValueError: Energy below 0; the register never falls.
        """
        if energy_wh < 0:
            raise ValueError(f"a meter counts upwards only, got {energy_wh} Wh")
        self.register_wh += energy_wh

    def sample(self, measurands: Collection[str], context: str) -> list[SampledValue]:
        """Read the named measurands, in the meter's own order; unknown names are left out."""
        draw = self.draw
        current_a = draw.power_w / self.voltage_v / draw.phases
        samples: list[SampledValue] = []
        if ENERGY in measurands:
            samples.append(_value(str(self.reading_wh), ENERGY, "Wh", context))
        if POWER in measurands:
            samples.append(_value(f"{draw.power_w:.1f}", POWER, "W", context))
        if CURRENT in measurands:
            samples += [
                _value(f"{current_a:.2f}", CURRENT, "A", context, phase=f"L{line}")
                for line in range(1, draw.phases + 1)
            ]
        if VOLTAGE in measurands:
            samples += [
                _value(f"{self.voltage_v:.1f}", VOLTAGE, "V", context, phase=f"L{line}-N")
                for line in range(1, draw.phases + 1)
            ]
        if SOC in measurands and draw.soc is not None:
            samples.append(_value(f"{draw.soc * 100:.0f}", SOC, "Percent", context, location="EV"))
        return samples


def _value(
    value: str, measurand: str, unit: str, context: str, *, phase: str | None = None, location: str = "Outlet"
) -> SampledValue:
    sample = {"value": value, "measurand": measurand, "unit": unit, "context": context, "location": location}
    if phase is not None:
        sample["phase"] = phase
    return sample
