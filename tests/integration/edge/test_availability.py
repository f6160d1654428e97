from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contract.operations.core import ChangeAvailability
from edge.clock import Clock
from edge.operations.remote_starts import RemoteStarts
from edge.operations.to_charge_point import change_availability
from edge.operations.to_charge_point.errand import Errand
from tests.harness.central import central

NOTED = datetime(2031, 1, 1, tzinfo=UTC)


class Ahead(Clock):
    """The edge counts on from a time that its machine has forgotten."""

    def now(self) -> datetime:
        return NOTED


class Obedient:
    """Whom calls are sent through; this charge point obeys."""

    def connected(self) -> list[str]:
        return ["CP1"]

    async def drop(self, *_: Any) -> None:
        raise NotImplementedError

    async def call(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {"status": "Accepted"}


async def test_what_a_connector_shall_be_is_remembered_at_the_time_of_the_edge(tmp_path: Path) -> None:
    async with central(tmp_path, clock=Ahead()) as house:
        await house.door("CP1")
        errand = Errand(
            charge_point="CP1",
            request=ChangeAvailability.model_validate({"connectorId": 1, "type": "Inoperative"}),
            caller=Obedient(),
            readers=house.readers,
            writer=house.writer,
            remote_starts=RemoteStarts.__new__(RemoteStarts),
            may_send=lambda: True,
            clock=house.clock,
        )
        await change_availability.perform(errand)
        (row,) = house.readers.run_now(lambda db: db.execute("SELECT * FROM desired_availability").fetchall())
        assert str(NOTED.year) in str(tuple(row))
