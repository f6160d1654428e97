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
    stale_since: str | None = None
    """Since when it may have changed unheard; `None`: it is that of now."""

    def says_more_than(self, known: ConnectorState | None) -> bool:
        """Tell whether it says anything new: a mere repetition need not travel."""
        return known is None or (self.status, self.error_code, self.info, self.vendor_error_code) != (
            known.status,
            known.error_code,
            known.info,
            known.vendor_error_code,
        )


def write(connection: sqlite3.Connection, charge_point: str, state: ConnectorState, now: datetime) -> None:
    """Write a state that the charge point has just told; it is not stale any more."""
    connection.execute(
        """INSERT INTO connector (charge_point, connector_id, status, error_code, info, vendor_error_code,
                                  status_at, received_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (charge_point, connector_id) DO UPDATE SET
               status = excluded.status, error_code = excluded.error_code, info = excluded.info,
               vendor_error_code = excluded.vendor_error_code,
               status_at = excluded.status_at, received_at = excluded.received_at, stale_since = NULL""",
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


def mark_stale(connection: sqlite3.Connection, now: datetime, charge_point: str | None = None) -> None:
    """Keep the states as they are, but remember that something may have happened unheard since.

    Args:
        connection: of the writer.
        now: since when.
        charge_point: only its connectors; `None`: all of the site.
    """
    connection.execute(
        "UPDATE connector SET stale_since = ?1 WHERE stale_since IS NULL AND (?2 IS NULL OR charge_point = ?2)",
        (iso(now), charge_point),
    )


def stale(connection: sqlite3.Connection, charge_point: str) -> list[int]:
    """List the connectors whose state is not known to be that of now."""
    rows = connection.execute(
        "SELECT connector_id FROM connector WHERE charge_point = ? AND stale_since IS NOT NULL ORDER BY connector_id",
        (charge_point,),
    )
    return [int(row["connector_id"]) for row in rows]


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
        stale_since=row["stale_since"],
    )
