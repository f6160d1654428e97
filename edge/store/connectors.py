"""The last known state of every connector; 0 is the charge point itself."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from edge.domain.timestamps import iso


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """One row."""

    connector_id: int
    status: str
    error_code: str
    info: str | None
    vendor_error_code: str | None
    status_at: str
    received_at: str = ""
    """When the edge learned it."""


def write(
    connection: sqlite3.Connection,
    charge_point: str,
    state: ConnectorState,
    now: datetime,
) -> bool:
    """Write a state.

    Returns:
        Whether it says anything new: a mere repetition need not travel.
    """
    row = connection.execute(
        "SELECT * FROM connector WHERE charge_point = ? AND connector_id = ?", (charge_point, state.connector_id)
    ).fetchone()
    connection.execute(
        """INSERT INTO connector (charge_point, connector_id, status, error_code, info, vendor_error_code,
                                  status_at, received_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (charge_point, connector_id) DO UPDATE SET
               status = excluded.status, error_code = excluded.error_code, info = excluded.info,
               vendor_error_code = excluded.vendor_error_code,
               status_at = excluded.status_at, received_at = excluded.received_at""",
        (
            charge_point,
            state.connector_id,
            state.status,
            state.error_code,
            state.info,
            state.vendor_error_code,
            state.status_at,
            iso(now),
        ),
    )
    if row is None:
        return True
    known = _state(row)
    return (known.status, known.error_code, known.info, known.vendor_error_code) != (
        state.status,
        state.error_code,
        state.info,
        state.vendor_error_code,
    )


def status(connection: sqlite3.Connection, charge_point: str, connector_id: int) -> str | None:
    """Look up the last known status of a connector; `None`: it never reported one."""
    row = connection.execute(
        "SELECT status FROM connector WHERE charge_point = ? AND connector_id = ?", (charge_point, connector_id)
    ).fetchone()
    return None if row is None else str(row["status"])


def find(connection: sqlite3.Connection, charge_point: str, connector_id: int) -> ConnectorState | None:
    """Look up a connector; `None`: it never reported a status."""
    row = connection.execute(
        "SELECT * FROM connector WHERE charge_point = ? AND connector_id = ?", (charge_point, connector_id)
    ).fetchone()
    return None if row is None else _state(row)


def of_charge_point(connection: sqlite3.Connection, charge_point: str) -> list[ConnectorState]:
    """List the connectors of a charge point by number."""
    rows = connection.execute("SELECT * FROM connector WHERE charge_point = ? ORDER BY connector_id", (charge_point,))
    return [_state(row) for row in rows]


def _state(row: sqlite3.Row) -> ConnectorState:
    return ConnectorState(
        connector_id=row["connector_id"],
        status=row["status"],
        error_code=row["error_code"],
        info=row["info"],
        vendor_error_code=row["vendor_error_code"],
        status_at=row["status_at"],
        received_at=row["received_at"],
    )
