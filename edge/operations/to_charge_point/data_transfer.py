"""DataTransfer (OCPP 1.6 ed. 2 §5.6)."""

from __future__ import annotations

from typing import Any

from edge.operations.to_charge_point.errand import Errand


async def perform(errand: Errand) -> dict[str, Any]:
    """Vendors' own messages pass as they are."""
    return await errand.send()
