"""GetConfiguration (OCPP 1.6 ed. 2 §5.8)."""

from __future__ import annotations

from typing import Any

from edge.domain.redaction import REDACTED, redact
from edge.operations.to_charge_point.errand import Errand


async def perform(errand: Errand) -> dict[str, Any]:
    """Pass the answer on without its secrets.

    Charge points tell passwords in clear, write values longer than 500 characters, and whole numbers and booleans
    where a text belongs: all but the secrets passes as it came.
    """
    answer: dict[str, Any] = redact(await errand.send())
    secrets = {key.lower() for key in errand.quirks.redact_keys}  # by their names alone nobody would know
    entries = answer.get("configurationKey")
    for entry in entries if secrets and isinstance(entries, list) else ():
        if isinstance(entry, dict) and str(entry.get("key")).lower() in secrets and entry.get("value") is not None:
            entry["value"] = REDACTED
    return answer
