"""GetConfiguration (OCPP 1.6 ed. 2 §5.8)."""

from __future__ import annotations

from typing import Any

from edge.operations.to_charge_point.errand import Errand


async def perform(errand: Errand) -> dict[str, Any]:
    """Without keys the charge point tells all that it is willing to tell."""
    return await errand.send()
