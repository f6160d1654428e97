"""The campus on this machine: a cloud, two edges, and six charge points at each."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from simulator.demo.apis import Api
from simulator.demo.errors import DemoError
from simulator.demo.line import Line
from simulator.demo.outbox import Outbox
from simulator.demo.processes import Child, free_port, run_to_end
from simulator.demo.provisioning import Drivers, provision
from simulator.fleet import Fleet, FleetSettings
from simulator.ledger import Ledger

CONNECTED, CUT_OFF = "engineering", "library"
"""The site whose line holds, and the one whose line is cut."""
_NAMES = {CONNECTED: ("Engineering", "ENG"), CUT_OFF: ("Library", "LIB")}
_CHARGE_POINTS = 6
_CONNECTORS = 2
_READY_S = 60.0
_SAMPLE_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class _Edge:
    """An edge that was started, before its charge points."""

    site: str
    name: str
    api: Api
    child: Child
    line: Line | None
    ocpp_url: str
    identities: list[str]


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
    buildings: dict[str, Building]
    drivers: Drivers
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
        return [f"{'Cloud':<12} {self.cloud.url}/docs", *sites, f"{'Data, logs':<12} {self.folder}"]


@asynccontextmanager
async def open_campus(
    folder: Path, *, seed: int, speed: float, progress: Callable[[str], None]
) -> AsyncIterator[Campus]:
    """Start everything, hand it over, and end everything, whatever happens.

    Args:
        folder: An empty folder for databases, ledgers and logs.
        seed: Of the cars.
        speed: Of the cars' world.
        progress: Takes a sentence about each step.

    Raises:
        DemoError: A process failed or did not get ready.
    """
    async with AsyncExitStack() as stack:
        progress("starting the cloud")
        port = free_port()
        environment = {
            "GARDU_CLOUD_DATABASE_URL": f"sqlite:///{folder / 'cloud.db'}",
            "GARDU_CLOUD_HOST": "127.0.0.1",
            "GARDU_CLOUD_PORT": str(port),
        }
        await _cloud_command(environment, "migrate")
        key = _answer(await _cloud_command(environment, "create-admin", "demo", "--json"), "api_key")
        secrets = {
            site: _answer(await _cloud_command(environment, "add-site", site, "--name", name, "--json"), "secret")
            for site, (name, _) in _NAMES.items()
        }
        cloud = await stack.enter_async_context(
            Api("the cloud", f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {key}"})
        )
        # Readable by its owner alone, so that a person can sign in to the API's pages while the demo runs.
        with os.fdopen(os.open(folder / "api-key.txt", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(key + "\n")
        child = Child("the cloud", "cloud.cli", ["run"], environment, folder / "cloud.log")
        stack.push_async_callback(child.stop)
        await child.start()
        await child.ready(f"{cloud.url}/readyz", _READY_S)
        campus = Campus(folder, cloud, child, {}, Drivers.for_connectors(_CHARGE_POINTS * _CONNECTORS))
        line = await stack.enter_async_context(Line("127.0.0.1", port))
        progress("starting the edges of two buildings")
        edges = [
            await _start_edge(stack, campus, site, secret, line if site == CUT_OFF else None)
            for site, secret in secrets.items()
        ]
        for edge in edges:
            await edge.child.ready(f"{edge.api.url}/readyz", _READY_S)
            passwords = await provision(edge.api, edge.identities, campus.drivers)
            ledger = stack.enter_context(Ledger(folder / f"ledger-{edge.site}.jsonl"))
            campus.buildings[edge.site] = _furnish(campus, edge, passwords, ledger, seed=seed, speed=speed)
        yield campus


async def _cloud_command(environment: dict[str, str], *arguments: str) -> str:
    return await run_to_end("gardu-cloud", "cloud.cli", arguments, environment)


def _answer(output: str, name: str) -> str:
    """One field of the JSON object on the last line of a command's output."""
    try:
        return str(json.loads(output.strip().splitlines()[-1])[name])
    except (IndexError, KeyError, ValueError) as error:
        raise DemoError(f"gardu-cloud did not print a JSON object with `{name}`: {output!r}") from error


async def _start_edge(stack: AsyncExitStack, campus: Campus, site: str, secret: str, line: Line | None) -> _Edge:
    name, prefix = _NAMES[site]
    api_port, ocpp_port = free_port(), free_port()
    environment = {
        "GARDU_EDGE_SITE": site,
        "GARDU_EDGE_DATA_DIR": str(campus.folder / site),
        "GARDU_EDGE_CENTRAL_SYSTEM__HOST": "127.0.0.1",
        "GARDU_EDGE_CENTRAL_SYSTEM__PORT": str(ocpp_port),
        "GARDU_EDGE_API__HOST": "127.0.0.1",
        "GARDU_EDGE_API__PORT": str(api_port),
        "GARDU_EDGE_CLOUD__URL": f"http://127.0.0.1:{line.port}" if line else campus.cloud.url,
        "GARDU_EDGE_CLOUD__SECRET": secret,
    }
    child = Child(f"the edge of {name}", "edge.cli", ["run"], environment, campus.folder / f"edge-{site}.log")
    stack.push_async_callback(child.stop)
    await child.start()
    api = await stack.enter_async_context(Api(child.name, f"http://127.0.0.1:{api_port}"))
    identities = [f"{prefix}-{number:02d}" for number in range(1, _CHARGE_POINTS + 1)]
    return _Edge(site, name, api, child, line, f"ws://127.0.0.1:{ocpp_port}", identities)


def _furnish(
    campus: Campus, edge: _Edge, passwords: dict[str, str], ledger: Ledger, *, seed: int, speed: float
) -> Building:
    """Put the charge points into a building."""
    settings = FleetSettings(
        url=edge.ocpp_url,
        identities=edge.identities,
        seed=seed,
        passwords=passwords,
        id_tags=campus.drivers.id_tags,
        speed=speed,
        connectors=_CONNECTORS,
        # The last charge point of the connected site waits for commands alone, so that each finds what it needs.
        without_cars=frozenset(edge.identities[-1:] if edge.site == CONNECTED else ()),
        configuration={
            "MeterValueSampleInterval": str(round(_SAMPLE_EVERY_S * speed)),
            "TransactionMessageAttempts": "10",
            "TransactionMessageRetryInterval": "5",
        },
    )
    fleet = Fleet(settings, ledger, lambda identity, sentence: campus.events.appendleft(f"{identity}  {sentence}"))
    return Building(edge.site, edge.name, edge.api, edge.child, fleet, ledger, edge.line)
