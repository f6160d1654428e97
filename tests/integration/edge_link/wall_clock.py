"""A site whose wall clock and disk are set by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from contract.events import MeterValue, MeterValuesSampled, Sample
from contract.streams import Stream
from edge.store.housekeeping import Housekeeper, Keeping
from tests.integration.edge_link.conftest import ShiftedClock, Site

BEGIN = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


class WallClock(ShiftedClock):
    """Its wall clock is set by hand; the others run."""

    def __init__(self) -> None:
        super().__init__()
        self.at = BEGIN
        self.synchronised = True

    def now(self) -> datetime:
        return self.at

    def machine_synchronised(self) -> bool:
        return self.synchronised


def set_by_hand(site: Site) -> WallClock:
    """Give a site a clock that is set by hand."""
    clock = WallClock()
    site.writer._clock = clock
    return clock


def housekeeper(site: Site, wall: WallClock, used: float | list[float], **keeping: Any) -> Housekeeper:
    turns = [used] if isinstance(used, float) else list(used)

    def measure() -> float:
        return turns.pop(0) if len(turns) > 1 else turns[0]

    return Housekeeper(
        writer=site.writer,
        readers=site.readers,
        clock=wall,
        path=site.path,
        keeping=Keeping(**({"ballast_bytes": 0} | keeping)),
        used=measure,
    )


async def meter(site: Site, wall: WallClock, *, minutes: int, charge_points: int = 2) -> None:
    """One sample a minute of each charge point; the power rises from minute to minute."""
    for minute in range(minutes):
        at = wall.at

        def write(tx: Any, at: datetime = at, minute: int = minute) -> None:
            for number in range(charge_points):
                sample = Sample(measurand="Power.Active.Import", value=str(minute), unit="W")
                values = [MeterValue(sampled_at=at, samples=[sample])]
                event = MeterValuesSampled(charge_point=f"CP-{number}", connector_id=1, values=values)
                tx.emit(event, subject="edge", occurred_at=at)

        await site.writer.run(write)
        wall.at += timedelta(minutes=1)


def rows(site: Site, stream: Stream = Stream.METER) -> list[dict[str, Any]]:
    found = site.readers.run_now(
        lambda db: db.execute("SELECT event FROM outbox WHERE stream = ? ORDER BY seq", (stream,)).fetchall()
    )
    return [json.loads(row["event"]) for row in found]
