"""GetConfiguration (OCPP 1.6 ed. 2 §5.8)."""

from __future__ import annotations

import sqlite3
from typing import Any

from edge.domain.redaction import REDACTED, redact
from edge.ocpp16.quirks import quirks_of
from edge.operations.to_charge_point.errand import Errand
from edge.store import charge_points


async def perform(errand: Errand) -> dict[str, Any]:
    """Pass the answer on without its secrets.

    Charge points tell passwords in clear, write values longer than 500 characters, and whole numbers and booleans
    where a text belongs: all but the secrets passes as it came.
    """
    answer: dict[str, Any] = redact(await errand.send())
    secrets = errand.readers.run_now(lambda db: _known_secrets(db, errand.charge_point))
    entries = answer.get("configurationKey")
    for entry in entries if secrets and isinstance(entries, list) else ():
        if isinstance(entry, dict) and str(entry.get("key")).lower() in secrets and entry.get("value") is not None:
            entry["value"] = REDACTED
    return answer


def _known_secrets(db: sqlite3.Connection, charge_point: str) -> frozenset[str]:
    """Name the keys, in lower case, that are secrets of this model although their names do not say so."""
    found = charge_points.find(db, charge_point)
    if found is None:
        return frozenset()
    return frozenset(key.lower() for key in quirks_of(found.vendor, found.model, found.firmware_version).redact_keys)
