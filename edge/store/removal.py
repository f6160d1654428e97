"""Removing charge points: who they are and how they get in goes, what they recorded stays."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from contract.edge_events import ChargePointRemoved
from edge.domain.alarms import AlarmKind
from edge.domain.registration import Registration
from edge.store import alarms
from edge.store.configurations import Scope
from edge.store.writer import WriteTx

_BESIDE = ("upkeep_task", "file_ticket", "security_tally", "charge_point_clock")
"""Tables that name a charge point and are no records. Those that reference its row go with it."""


def remove(tx: WriteTx, charge_point: str, now: datetime) -> bool:
    """Forget a charge point: its keys, certificates, connectors, configuration and tasks; its alarms end.

    Its transactions, meter values, decisions and frames stay.

    Returns:
        Whether it was known.
    """
    connection = tx.connection
    if connection.execute("DELETE FROM charge_point WHERE charge_point = ?", (charge_point,)).rowcount == 0:
        return False
    for table in _BESIDE:
        connection.execute(f"DELETE FROM {table} WHERE charge_point = ?", (charge_point,))  # noqa: S608 - own text
    connection.execute(
        "DELETE FROM desired_configuration WHERE scope = ? AND name = ?", (Scope.CHARGE_POINT, charge_point)
    )
    for kind in AlarmKind:
        alarms.clear_alarm(tx, kind, charge_point, now)
    event = ChargePointRemoved(charge_point=charge_point)
    tx.emit(event, subject=f"charge-point/{charge_point}", occurred_at=now)
    return True


def newcomers(connection: sqlite3.Connection) -> list[str]:
    """List the charge points that named themselves and were never let in: Pending or Rejected, and without a key."""
    rows = connection.execute(
        """SELECT charge_point FROM charge_point AS it
           WHERE registration_status <> ?
             AND NOT EXISTS (SELECT 1 FROM charge_point_key AS key WHERE key.charge_point = it.charge_point)
             AND NOT EXISTS (SELECT 1 FROM client_certificate AS one WHERE one.charge_point = it.charge_point)
             AND NOT EXISTS (SELECT 1 FROM charging_transaction AS tx
                             WHERE tx.charge_point = it.charge_point AND tx.stopped_at IS NULL)
           ORDER BY charge_point""",
        (Registration.ACCEPTED,),
    )
    return [row["charge_point"] for row in rows]
