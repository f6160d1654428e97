"""How much energy single transactions may draw at most. A row stands until its transaction has ended."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from edge.domain.timestamps import iso
from edge.store import meter_values
from edge.store.transactions import Transaction, find


@dataclass(frozen=True, slots=True)
class Limited:
    """A running transaction with a limit."""

    transaction: Transaction
    limit_wh: int
    register_wh: int | None
    """The highest sample of the register; `None`: none came yet."""
    asked_at: datetime | None
    """When its charge point was last asked to stop it; `None`: never."""


def put(connection: sqlite3.Connection, transaction_id: int, limit_wh: int) -> None:
    """Limit a transaction that has just begun."""
    connection.execute(
        "INSERT OR REPLACE INTO energy_limit (transaction_id, limit_wh) VALUES (?, ?)", (transaction_id, limit_wh)
    )


def asked(connection: sqlite3.Connection, transaction_id: int, now: datetime) -> None:
    """Note that its charge point is asked to stop it; limits of transactions that have ended go."""
    connection.execute("UPDATE energy_limit SET asked_at = ? WHERE transaction_id = ?", (iso(now), transaction_id))
    connection.execute(
        """DELETE FROM energy_limit WHERE transaction_id NOT IN (
               SELECT transaction_id FROM charging_transaction WHERE stopped_at IS NULL)"""
    )


def running(connection: sqlite3.Connection) -> list[Limited]:
    """List the running transactions with a limit, and what they have drawn."""
    rows = connection.execute("SELECT transaction_id, limit_wh, asked_at FROM energy_limit").fetchall()
    found = []
    for row in rows:
        transaction = find(connection, row["transaction_id"])
        if transaction is None or not transaction.open:
            continue
        registers = [
            one.register_wh for one in meter_values.points(connection, transaction) if one.register_wh is not None
        ]
        asked_at = None if row["asked_at"] is None else datetime.fromisoformat(row["asked_at"])
        found.append(Limited(transaction, row["limit_wh"], max(registers, default=None), asked_at))
    return found
