"""GetConfiguration (OCPP 1.6 ed. 2 §5.8)."""

from __future__ import annotations

from typing import Any

from edge.domain.redaction import redact
from edge.operations.to_charge_point.errand import Errand


async def perform(errand: Errand) -> dict[str, Any]:
    """Pass the answer on without its secrets.

    Charge points tell passwords in clear, write values longer than 500 characters, and whole numbers and booleans
    where a text belongs: all but the secrets passes as it came.
    """
    answer: dict[str, Any] = redact(await errand.send())
    return answer
