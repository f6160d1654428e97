"""What will happen at a connector, drawn from a seed: which cars come, what they need, how they leave.

A visit is a pure function of (seed, identity, connector, number). Neither time nor the order of calls plays a part,
so two runs with one seed meet the same cars.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from simulator.car import Car

# model, battery in Wh, the most that it takes in W, phases
_MODELS = (
    ("small city car", 36_000.0, 3_700.0, 1),
    ("compact", 52_000.0, 7_400.0, 1),
    ("family car", 60_000.0, 11_000.0, 3),
    ("saloon", 78_000.0, 11_000.0, 3),
    ("van", 75_000.0, 22_000.0, 3),
    ("plug-in hybrid", 13_000.0, 3_700.0, 1),
)


class Leaving(StrEnum):
    """How a visit ends, in the words of OCPP 1.6 ed. 2 §7.36 "Reason"."""

    LOCAL = "Local"
    """The driver presents the id tag again."""
    EV_DISCONNECTED = "EVDisconnected"
    """The driver pulls the cable out of the car."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One car's visit. Times are seconds of the cars' world.

    Attributes:
        gap_s: How long the connector stays free before.
        hesitation_s: From plugging in to presenting the id tag.
        id_tag: What the driver presents.
        car: The car as it arrives.
        stay_s: How long it stays at most after charging began; a car that is full earlier waits, suspended.
        leaving: How the driver ends it.
        unplug_s: From the end of the transaction to the empty connector.
    """

    gap_s: float
    hesitation_s: float
    id_tag: str
    car: Car
    stay_s: float
    leaving: Leaving
    unplug_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The visits to one charge point.

    Attributes:
        seed: Of the whole fleet.
        identity: The charge point's.
        id_tags: The drivers' id tags, by connector; each list holds at least one.
    """

    seed: int
    identity: str
    id_tags: dict[int, tuple[str, ...]]

    def visit(self, connector_id: int, number: int) -> Visit:
        """The visit with this number (0, 1, 2 …) to this connector."""
        chance = self._chance(f"{connector_id}/{number}")
        model, battery_wh, power_w, phases = chance.choice(_MODELS)
        soc = chance.uniform(0.1, 0.65)
        target_soc = min(1.0, soc + chance.uniform(0.15, 0.5))
        car = Car(model, battery_wh, soc, target_soc, power_w, phases)
        fills_in_s = car.needs_wh / power_w * 3600
        return Visit(
            gap_s=chance.uniform(30, 900) if number == 0 else chance.uniform(120, 1500),
            hesitation_s=chance.uniform(15, 90),
            id_tag=chance.choice(self.id_tags[connector_id]),
            car=car,
            stay_s=min(fills_in_s * chance.choice((0.6, 0.85, 1.3)) + 300, 4 * 3600),
            leaving=chance.choice((Leaving.LOCAL, Leaving.LOCAL, Leaving.EV_DISCONNECTED)),
            unplug_s=chance.uniform(20, 180),
        )

    def register_wh(self, connector_id: int) -> float:
        """What the connector's meter shows before the first visit."""
        return float(self._chance(f"{connector_id}/register").randrange(10_000, 9_000_000))

    def _chance(self, what: str) -> Random:
        return Random(f"{self.seed}/{self.identity}/{what}")
