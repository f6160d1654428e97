"""UnlockConnector (OCPP 1.6 ed. 2 §5.18)."""

from __future__ import annotations

from typing import Any

from edge.operations.to_charge_point.errand import Errand


async def perform(errand: Errand) -> dict[str, Any]:
    """A running transaction is ended by the charge point first."""
    return await errand.send()
