"""Many charge points at one central system, made from one seed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from simulator.charge_point import ChargePoint, ChargePointSettings
from simulator.clock import Clock
from simulator.ledger import Ledger
from simulator.plan import Plan
from simulator.uplink import Address

DEFAULT_ID_TAGS = tuple(f"GARDU{number:04d}" for number in range(1, 25))


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """What a fleet is made from.

    Attributes:
        url: The central system's endpoint without identities.
        identities: One charge point each.
        seed: Decides cars, energy needs and id tags.
        passwords: Basic passwords by identity; an identity without one uses none.
        id_tags: What the drivers present. When there are enough they are shared out, so that no two drivers hold one.
        speed: See `Clock`.
        connectors: Of each charge point.
        without_cars: Identities at which no car arrives by itself.
        clock_offset: How far every clock is ahead.
        lean: See `Connection`.
        configuration: Configuration keys that differ from the defaults.
    """

    url: str
    identities: Sequence[str]
    seed: int = 1
    passwords: Mapping[str, str] = field(default_factory=dict)
    id_tags: Sequence[str] = DEFAULT_ID_TAGS
    speed: float = 1.0
    connectors: int = 1
    without_cars: frozenset[str] = frozenset()
    clock_offset: timedelta = field(default_factory=timedelta)
    lean: bool = False
    configuration: Mapping[str, str] = field(default_factory=dict)


class Fleet:
    """The charge points of one central system.

    Args:
        settings: What they are made from.
        ledger: Where all of them write.
        tell: Takes (identity, sentence) for whoever watches.
    """

    def __init__(
        self,
        settings: FleetSettings,
        ledger: Ledger,
        tell: Callable[[str, str], None] = lambda _identity, _sentence: None,
    ) -> None:
        self.ledger = ledger
        self.charge_points = [
            ChargePoint(
                ChargePointSettings(
                    identity=identity,
                    address=Address(settings.url, settings.passwords.get(identity)),
                    plan=Plan(settings.seed, identity, _share_out(settings, index)),
                    connectors=settings.connectors,
                    cars_arrive=identity not in settings.without_cars,
                    lean=settings.lean,
                    configuration=settings.configuration,
                ),
                Clock(speed=settings.speed, offset=settings.clock_offset),
                ledger,
                tell,
            )
            for index, identity in enumerate(settings.identities)
        ]

    @property
    def settled(self) -> bool:
        """Whether no transaction runs and every queue is empty."""
        return all(charge_point.settled for charge_point in self.charge_points)

    async def run(self) -> None:
        """Let all of them live until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for charge_point in self.charge_points:
                tasks.create_task(charge_point.run())

    def reopen(self) -> None:
        """Let cars come again after `drain`."""
        for charge_point in self.charge_points:
            charge_point.reopen()

    async def drain(self, timeout_s: float) -> bool:
        """Let no more cars come, end what runs, and wait until every queue is empty.

        Returns:
            Whether that was reached in time. Meanwhile `run` must go on.
        """
        for charge_point in self.charge_points:
            charge_point.close()
        try:
            async with asyncio.timeout(timeout_s):
                while not self.settled:  # noqa: ASYNC110  # many small states, none of them an event
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return True


def _share_out(settings: FleetSettings, index: int) -> dict[int, tuple[str, ...]]:
    """The id tags of each connector of the charge point with this index."""
    total = len(settings.identities) * settings.connectors
    id_tags = tuple(settings.id_tags)
    return {
        connector_id: id_tags[index * settings.connectors + connector_id - 1 :: total]
        if len(id_tags) >= total
        else id_tags
        for connector_id in range(1, settings.connectors + 1)
    }
