"""RemoteStopTransaction (OCPP 1.6 ed. 2 §5.12)."""

from __future__ import annotations

from typing import Any

from edge.operations.to_charge_point.errand import Errand


async def perform(errand: Errand) -> dict[str, Any]:
    """Rejected means that the charge point runs no such transaction."""
    return await errand.send()
