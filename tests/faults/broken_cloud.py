"""A release of the cloud with a fault: it cannot apply what one charge point tells of its transactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloud import app
from cloud.cli import main
from cloud.db.database import Unit
from cloud.models.received import Received
from contract.events import TransactionStarted

MISFORTUNE = "CP-MISFORTUNE"


def _refuse(_unit: Unit, events: Sequence[Received[Any]]) -> None:
    if any(event.data.charge_point == MISFORTUNE for event in events):
        raise ValueError("this release has a fault")


if __name__ == "__main__":
    app.APPLIERS[TransactionStarted.TYPE] = (_refuse, *app.APPLIERS[TransactionStarted.TYPE])  # type: ignore[index]
    main()
