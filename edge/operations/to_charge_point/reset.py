"""Reset (OCPP 1.6 ed. 2 §5.14)."""

from __future__ import annotations

from typing import Any

from edge.operations.to_charge_point.errand import Errand


async def perform(errand: Errand) -> dict[str, Any]:
    """Accepted means that the charge point will try; its boot shows that it did."""
    return await errand.send()
