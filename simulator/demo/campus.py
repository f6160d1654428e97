"""The campus on this machine: a cloud, two edges, and six charge points at each."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from simulator.demo.apis import Api
from simulator.demo.line import Line
from simulator.demo.outbox import Outbox
from simulator.demo.processes import Child
from simulator.fleet import Fleet
from simulator.ledger import Ledger

CONNECTED, CUT_OFF = "engineering", "library"
"""The site whose line holds, and the one whose line is cut."""


@dataclass(slots=True)
class Building:
    """One site: its edge, its charge points, and their ledger."""

    site: str
    name: str
    edge: Api
    child: Child
    fleet: Fleet
    ledger: Ledger
    line: Line | None
    """The line to the cloud when it goes through the demo's own."""
    outbox: Outbox = field(default_factory=Outbox)

    @property
    def identities(self) -> list[str]:
        """Its charge points."""
        return [charge_point.identity for charge_point in self.fleet.charge_points]

    @property
    def running(self) -> int:
        """Transactions that run now."""
        return sum(bay.transaction is not None for point in self.fleet.charge_points for bay in point.bays)

    @property
    def power_w(self) -> float:
        """What it delivers now."""
        return sum(charge_point.power_w for charge_point in self.fleet.charge_points)


@dataclass(slots=True)
class Campus:
    """Everything that runs."""

    folder: Path
    cloud: Api
    cloud_child: Child
    cloud_docs: str
    """Where the cloud describes its API."""
    buildings: dict[str, Building]
    events: deque[str] = field(default_factory=lambda: deque(maxlen=8))
    """What charge points did last, newest first."""

    def check(self) -> None:
        """See that all processes still run.

        Raises:
            DemoError: One ended by itself.
        """
        self.cloud_child.check()
        for building in self.buildings.values():
            building.child.check()

    @property
    def cut_off(self) -> Building:
        """The building whose line is cut."""
        return self.buildings[CUT_OFF]

    @property
    def connected(self) -> Building:
        """The building whose line holds."""
        return self.buildings[CONNECTED]

    def addresses(self) -> list[str]:
        """Where to look while it runs."""
        sites = [f"{building.name:<12} {building.edge.url}/docs" for building in self.buildings.values()]
        return [f"{'Cloud':<12} {self.cloud_docs}", *sites, f"{'Data, logs':<12} {self.folder}"]
