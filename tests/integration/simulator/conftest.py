"""A central system, and a fleet that runs while a test does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from simulator.fleet import Fleet, FleetSettings
from simulator.ledger import Ledger
from tests.integration.simulator.central_system import CentralSystem

RunFleet = Callable[..., Fleet]
WaitFor = Callable[..., "asyncio.Future[None]"]


@pytest.fixture
async def central() -> AsyncIterator[CentralSystem]:
    async with CentralSystem() as system:
        yield system


@pytest.fixture
async def run_fleet(central: CentralSystem) -> AsyncIterator[RunFleet]:
    lives: list[asyncio.Task[None]] = []

    def run(count: int = 1, *, arrivals: bool = True, speed: float = 4000, **more: object) -> Fleet:
        identities = [f"CP{number:03d}" for number in range(1, count + 1)]
        configuration = {"MeterValueSampleInterval": "600", "TransactionMessageRetryInterval": "0"}
        settings = FleetSettings(
            url=central.url,
            identities=identities,
            speed=speed,
            without_cars=frozenset() if arrivals else frozenset(identities),
            **{"configuration": configuration, **more},  # type: ignore[arg-type]
        )
        fleet = Fleet(settings, Ledger())
        for charge_point in fleet.charge_points:
            charge_point.uplink._back_off.first_s = 0.1
        lives.append(asyncio.create_task(fleet.run()))
        return fleet

    yield run
    for life in lives:
        life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await life


async def until(condition: Callable[[], object], timeout_s: float = 10) -> None:
    """Wait until something holds; fail the test when it does not in time."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)
