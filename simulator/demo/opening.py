"""Starts the campus and ends it again. What need not wait for each other starts at the same time."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from simulator.demo.apis import Api
from simulator.demo.campus import CONNECTED, CUT_OFF, Building, Campus
from simulator.demo.errors import DemoError
from simulator.demo.line import Line
from simulator.demo.processes import Child, free_port, run_to_end
from simulator.demo.provisioning import Drivers, provision
from simulator.fleet import Fleet, FleetSettings
from simulator.ledger import Ledger

_NAMES = {CONNECTED: ("Engineering", "ENG"), CUT_OFF: ("Library", "LIB")}
_CHARGE_POINTS = 6
_CONNECTORS = 2
_READY_S = 60.0
_SAMPLE_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Opening:
    """How a campus is opened.

    Attributes:
        folder: An empty folder for databases, ledgers and logs.
        seed: Of the cars.
        speed: Asked once all processes are ready: how fast the cars' world shall turn (see `Clock`).
        progress: Takes a sentence about each step.
    """

    folder: Path
    seed: int
    speed: Callable[[], float]
    progress: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Shell:
    """A building whose edge runs, before its charge points."""

    site: str
    name: str
    edge: Api
    child: Child
    line: Line | None
    ocpp_url: str
    passwords: dict[str, str]


@asynccontextmanager
async def open_campus(opening: Opening) -> AsyncIterator[Campus]:
    """Start everything, hand it over, and end everything, whatever happens.

    Raises:
        DemoError: A process failed or did not get ready.
    """
    async with AsyncExitStack() as stack:
        yield await _Starter(opening, stack).start()


class _Starter:
    """Starts the processes; what it started is ended by the stack."""

    def __init__(self, opening: Opening, stack: AsyncExitStack) -> None:
        self._opening = opening
        self._stack = stack
        self._port = free_port()
        self._drivers = Drivers.for_connectors(_CHARGE_POINTS * _CONNECTORS)
        self._environment = {
            "GARDU_CLOUD_DATABASE_URL": f"sqlite:///{opening.folder / 'cloud.db'}",
            "GARDU_CLOUD_HOST": "127.0.0.1",
            "GARDU_CLOUD_PORT": str(self._port),
        }

    async def start(self) -> Campus:
        """Start the cloud and both buildings."""
        self._opening.progress("making the cloud's database and the first API key")
        key = await self._cloud_command("create-admin", "demo", field="api_key")
        # Readable by its owner alone, so that a person can use the API while the demo runs.
        with os.fdopen(os.open(self._opening.folder / "api-key.txt", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(key + "\n")
        line = await self._stack.enter_async_context(Line("127.0.0.1", self._port))
        self._opening.progress("starting the cloud and the edges of two buildings")
        try:
            async with asyncio.TaskGroup() as together:
                cloud = together.create_task(self._start_cloud(key))
                buildings = [
                    together.create_task(self._open_building(site, line if site == CUT_OFF else None))
                    for site in _NAMES
                ]
        except ExceptionGroup as group:
            raise next((error for error in group.exceptions if isinstance(error, DemoError)), group) from None
        api, child = cloud.result()
        campus = Campus(self._opening.folder, api, child, await _docs(api), {})
        speed = self._opening.speed()
        for building in buildings:
            shell = building.result()
            campus.buildings[shell.site] = self._furnish(campus, shell, speed)
        return campus

    async def _start_cloud(self, key: str) -> tuple[Api, Child]:
        url = f"http://127.0.0.1:{self._port}"
        api = await self._stack.enter_async_context(Api("the cloud", url, {"Authorization": f"Bearer {key}"}))
        child = await self._start_child("the cloud", "cloud.cli", self._environment, "cloud.log")
        await child.ready(f"{url}/readyz", _READY_S)
        return api, child

    async def _open_building(self, site: str, line: Line | None) -> _Shell:
        name, prefix = _NAMES[site]
        token = await self._cloud_command("add-site", site, "--name", name, field="token")
        api_port, ocpp_port = free_port(), free_port()
        environment = {
            "GARDU_EDGE_SITE": site,
            # Samplers that restart during the story give two samples of one instant; its books call that doubled.
            "GARDU_EDGE_UPKEEP__PROVISION": "false",
            "GARDU_EDGE_DATA_DIR": str(self._opening.folder / site),
            "GARDU_EDGE_CENTRAL_SYSTEM__HOST": "127.0.0.1",
            "GARDU_EDGE_CENTRAL_SYSTEM__PORT": str(ocpp_port),
            "GARDU_EDGE_API__HOST": "127.0.0.1",
            "GARDU_EDGE_API__PORT": str(api_port),
            "GARDU_EDGE_CLOUD__URL": f"http://127.0.0.1:{line.port if line else self._port}",
            "GARDU_EDGE_CLOUD__TOKEN": token,
            "GARDU_EDGE_CLOUD__LONGEST_WAIT_S": "2",  # a story of minutes cannot wait for minutes
        }
        child = await self._start_child(f"the edge of {name}", "edge.cli", environment, f"edge-{site}.log")
        edge = await self._stack.enter_async_context(Api(child.name, f"http://127.0.0.1:{api_port}"))
        await child.ready(f"{edge.url}/readyz", _READY_S)
        identities = [f"{prefix}-{number:02d}" for number in range(1, _CHARGE_POINTS + 1)]
        passwords = await provision(edge, identities, self._drivers)
        return _Shell(site, name, edge, child, line, f"ws://127.0.0.1:{ocpp_port}", passwords)

    def _furnish(self, campus: Campus, shell: _Shell, speed: float) -> Building:
        """Put the charge points into a building."""
        identities = list(shell.passwords)
        settings = FleetSettings(
            url=shell.ocpp_url,
            identities=identities,
            seed=self._opening.seed,
            passwords=shell.passwords,
            id_tags=self._drivers.id_tags,
            speed=speed,
            connectors=_CONNECTORS,
            # The last charge point of the connected site waits for commands alone, so that each finds what it needs.
            without_cars=frozenset(identities[-1:] if shell.site == CONNECTED else ()),
            configuration={
                "MeterValueSampleInterval": str(round(_SAMPLE_EVERY_S * speed)),
                "TransactionMessageAttempts": "10",
                "TransactionMessageRetryInterval": "5",
            },
        )
        ledger = self._stack.enter_context(Ledger(self._opening.folder / f"ledger-{shell.site}.jsonl"))
        fleet = Fleet(settings, ledger, lambda identity, said: campus.events.appendleft(f"{identity}  {said}"))
        return Building(shell.site, shell.name, shell.edge, shell.child, fleet, ledger, shell.line)

    async def _start_child(self, name: str, module: str, environment: dict[str, str], log: str) -> Child:
        child = Child(name, module, ["run"], environment, self._opening.folder / log)
        self._stack.push_async_callback(child.stop)
        await child.start()
        return child

    async def _cloud_command(self, *arguments: str, field: str | None = None) -> str:
        """Run `gardu-cloud`; with a field, that field of the JSON object on its last line."""
        as_json = ("--json",) if field else ()
        output = await run_to_end("gardu-cloud", "cloud.cli", (*arguments, *as_json), self._environment)
        if field is None:
            return output
        try:
            return str(json.loads(output.strip().splitlines()[-1])[field])
        except (IndexError, KeyError, ValueError) as error:
            raise DemoError(f"gardu-cloud {arguments[0]} did not print JSON with `{field}`") from error


async def _docs(api: Api) -> str:
    """The page for people where there is one, else the description for programs."""
    try:
        await api.ask("GET", "/docs")
    except DemoError:
        return f"{api.url}/api/v1/openapi.json"
    return f"{api.url}/docs"
