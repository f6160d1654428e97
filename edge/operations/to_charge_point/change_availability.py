"""ChangeAvailability (OCPP 1.6 ed. 2 §5.2)."""

from __future__ import annotations

from typing import Any

from edge.operations.to_charge_point.errand import Errand


async def perform(errand: Errand) -> dict[str, Any]:
    """Scheduled is success: it takes effect when the running transaction has ended."""
    return await errand.send()
