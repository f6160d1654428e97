"""A charge point's own clock, and how fast its world turns.

Time on the wire is real: timestamps, heartbeats, retries and back-off count wall seconds at any speed. What `speed`
shrinks is the world around the charge point: a car stays, hesitates and is missed X times shorter, its battery is X
times smaller (`Car.shrunk`), and a sample is taken each MeterValueSampleInterval / X seconds. So power, energy and
timestamps of every record agree with one another: 11 kW for 60 s are 183 Wh, at any speed.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(slots=True)
class Clock:
    """Wall time plus an error that stays: a charge point whose clock is wrong keeps it wrong.

    Attributes:
        speed: World seconds per wall second, above 0.
        offset: How far this clock is ahead of the true time; negative when it is behind.
    """

    speed: float = 1.0
    offset: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """The time in UTC that this charge point believes in."""
        return datetime.now(UTC) + self.offset

    def monotonic_s(self) -> float:
        """Wall seconds since some fixed instant; steps of the wall clock do not show."""
        return time.monotonic()

    def wall_s(self, world_s: float) -> float:
        """The wall seconds that `world_s` seconds of the cars' world take."""
        return world_s / self.speed

    async def sleep(self, wall_s: float) -> None:
        """Wait for wall seconds."""
        await asyncio.sleep(wall_s)

    async def sleep_world(self, world_s: float) -> None:
        """Wait for seconds of the cars' world."""
        await self.sleep(self.wall_s(world_s))


def to_wire(instant: datetime) -> str:
    """Write an instant as `2025-01-31T12:00:00.000Z`, the form that every central system reads."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def from_wire(text: str) -> datetime:
    """Read an ISO 8601 instant; one without a zone is taken as UTC.

    Raises:
        ValueError: The text is no instant.
    """
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
