"""The availability that operators want of connectors; a charge point may forget it when it restarts."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from edge.domain.timestamps import iso


def desire(connection: sqlite3.Connection, charge_point: str, connector_id: int, kind: str, now: datetime) -> None:
    """Remember what was asked and obeyed. Connector 0 speaks for all connectors (OCPP 1.6 ed. 2 §5.2)."""
    if connector_id == 0:
        connection.execute("DELETE FROM desired_availability WHERE charge_point = ?", (charge_point,))
    connection.execute(
        "INSERT OR REPLACE INTO desired_availability (charge_point, connector_id, type, asked_at) VALUES (?, ?, ?, ?)",
        (charge_point, connector_id, kind, iso(now)),
    )


def desired(connection: sqlite3.Connection, charge_point: str) -> dict[int, str]:
    """Read what is wanted, by connector."""
    rows = connection.execute(
        "SELECT connector_id, type FROM desired_availability WHERE charge_point = ?", (charge_point,)
    )
    return {row["connector_id"]: row["type"] for row in rows}
