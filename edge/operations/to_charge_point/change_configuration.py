"""ChangeConfiguration (OCPP 1.6 ed. 2 §5.3)."""

from __future__ import annotations

from typing import Any

from edge.operations.to_charge_point.errand import Errand


async def perform(errand: Errand) -> dict[str, Any]:
    """RebootRequired is success: it takes effect with the charge point's next start."""
    return await errand.send()
