"""ClearCache (OCPP 1.6 ed. 2 §5.4)."""

from __future__ import annotations

from typing import Any

from edge.operations.to_charge_point.errand import Errand


async def perform(errand: Errand) -> dict[str, Any]:
    """Rejected means that the charge point has no cache (errata §3.23)."""
    return await errand.send()
