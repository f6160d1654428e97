"""One visit at a charge point: what every task there works with."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from edge.clock import Clock
from edge.domain.configuration import RECOMMENDED, Layer
from edge.ocpp16.quirks import Quirks, quirks_of
from edge.store import configurations
from edge.store.charge_points import ChargePoint
from edge.store.configurations import Make
from edge.store.readers import Readers
from edge.store.writer import Writer, WriteTx

Result = TypeVar("Result")


class Perform(Protocol):
    """Does one operation at a charge point. `operations.to_charge_point` implements it."""

    async def __call__(
        self, charge_point: str, action: str, payload: dict[str, Any], may_send: Callable[[], bool], /
    ) -> dict[str, Any]:
        """Return the OCPP answer as the charge point gave it."""
        ...


@dataclass(frozen=True, slots=True)
class Choices:
    """What the site wants its edge to do by itself."""

    provision: bool = True
    local_lists: bool = True
    site_configuration: Layer = field(default_factory=lambda: dict(RECOMMENDED))
    look_every_s: float = 1.0
    """Pause between two looks for what is due."""
    try_again_s: float = 60.0
    """Pause after a first failure; it doubles with each further one."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What all visits share."""

    writer: Writer
    readers: Readers
    clock: Clock
    perform: Perform
    choices: Choices


@dataclass(frozen=True, slots=True)
class Visit:
    """One charge point, and the tools."""

    charge_point: ChargePoint
    tools: Tools

    @property
    def identity(self) -> str:
        """Its identity."""
        return self.charge_point.charge_point

    @property
    def make(self) -> Make:
        """Its kind."""
        return Make.of(self.charge_point)

    @property
    def quirks(self) -> Quirks:
        """What is known of its kind."""
        one = self.charge_point
        return quirks_of(one.vendor, one.model, one.firmware_version)

    async def ask(
        self, action: str, payload: Mapping[str, Any], may_send: Callable[[], bool] = lambda: True
    ) -> dict[str, Any]:
        """Perform an operation and return the answer's payload."""
        return await self.tools.perform(self.identity, action, dict(payload), may_send)

    async def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Read the store."""
        return await self.tools.readers.run(query)

    async def write(self, operation: Callable[[WriteTx, datetime], Result]) -> Result:
        """Write to the store; returns after the commit."""
        now = self.tools.clock.now()
        return await self.tools.writer.run(lambda tx: operation(tx, now))

    async def wanted(self) -> dict[str, str]:
        """Say which configuration it should have."""
        site = self.tools.choices.site_configuration
        return await self.read(partial(configurations.wanted, site=site, charge_point=self.charge_point))


Later = timedelta | None
"""What a task ends with: how long to wait before it goes on; `None`: it is done."""

Work = Callable[[Visit], Awaitable[Later]]
