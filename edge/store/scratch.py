"""A scratch database that knows what a site knew at an earlier instant, so that transactions can be rebuilt in it."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from edge.domain.timestamps import iso
from edge.store.database import connect
from edge.store.migrations import migrate
from edge.store.transactions import Transaction, transaction

REMEMBERED = timedelta(days=30)
"""How long before the window an ended transaction may lie and still matter, to a start or stop that is repeated."""

_BEGAN = "coalesce(start_received_at, stop_received_at)"


def prepare(live: sqlite3.Connection, path: Path, since: datetime) -> sqlite3.Connection:
    """Make a scratch database with the site's directory as it is now, and its transactions as they were at `since`."""
    migrate(path)
    scratch = connect(path, synchronous="OFF")
    scratch.execute("PRAGMA foreign_keys=OFF")
    earlier = f"{_BEGAN} < ? AND (stop_received_at IS NULL OR stop_received_at >= ?)"
    values = (iso(since), iso(since - REMEMBERED))
    scratch.execute("BEGIN")
    for table in ("charge_point", "id_tag"):
        _copy(live, scratch, table, "TRUE", ())
    if _copy(live, scratch, "charging_transaction", earlier, values):
        _copy(live, scratch, "charge_point_clock", "TRUE", ())
        numbers = f"SELECT transaction_id FROM charging_transaction WHERE {earlier}"  # noqa: S608 - own text
        _copy(live, scratch, "meter_value", f"sampled_at < ? AND transaction_id IN ({numbers})", (iso(since), *values))
    scratch.execute(
        """UPDATE charging_transaction SET meter_stop_wh = NULL, stopped_at = NULL, stopped_at_raw = NULL,
               stop_received_at = NULL, stop_id_tag = NULL, reason = NULL, energy_wh = NULL, estimated = 0,
               closed_by = NULL WHERE stop_received_at >= ?""",
        (iso(since),),
    )
    scratch.execute("COMMIT")
    return scratch


def _copy(
    live: sqlite3.Connection, scratch: sqlite3.Connection, table: str, where: str, values: tuple[str, ...]
) -> int:
    rows = live.execute(f"SELECT * FROM {table} WHERE {where}", values)  # noqa: S608 - own text
    names = [column[0] for column in rows.description]
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
    return scratch.executemany(statement, rows).rowcount


def last_number(connection: sqlite3.Connection) -> int:
    """Tell the largest number of a transaction; 0: there is none."""
    return int(connection.execute("SELECT coalesce(max(transaction_id), 0) FROM charging_transaction").fetchone()[0])


def continue_with(scratch: sqlite3.Connection, number: int) -> None:
    """Give the next transaction this number."""
    if not scratch.execute(
        "UPDATE sqlite_sequence SET seq = ? WHERE name = 'charging_transaction'", (number - 1,)
    ).rowcount:
        scratch.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('charging_transaction', ?)", (number - 1,))


def renumber_as_in(live: sqlite3.Connection, scratch: sqlite3.Connection, number: int) -> None:
    """Give a transaction that no start told a number for the number of its twin in the store, if it has one."""
    row = scratch.execute(
        "SELECT start_key, charge_point, station_transaction_id, started_at FROM charging_transaction "
        "WHERE transaction_id = ?",
        (number,),
    ).fetchone()
    twin = live.execute(
        """SELECT transaction_id FROM charging_transaction WHERE start_key = ?1
           OR (charge_point = ?2 AND station_transaction_id = ?3 AND started_at IS ?4) ORDER BY start_key = ?1 DESC""",
        tuple(row),
    ).fetchone()
    if twin is None or twin[0] == number:
        return
    for table in ("charging_transaction", "meter_value"):
        scratch.execute(
            f"UPDATE OR IGNORE {table} SET transaction_id = ? WHERE transaction_id = ?",  # noqa: S608 - own text
            (twin[0], number),
        )


def begun_between(connection: sqlite3.Connection, since: datetime, until: datetime) -> dict[int, Transaction]:
    """Read the transactions whose first record arrived within a time, by their number."""
    rows = connection.execute(
        f"SELECT * FROM charging_transaction WHERE {_BEGAN} >= ? AND {_BEGAN} <= ?",  # noqa: S608 - own text
        (iso(since), iso(until)),
    )
    return {row["transaction_id"]: transaction(row) for row in rows}


def changed_since(live: sqlite3.Connection, id_tag: str, at: datetime) -> bool:
    """Whether the directory says something else of an id tag than at `at`, as far as can be told."""
    row = live.execute("SELECT updated_at FROM id_tag WHERE id_tag = ?", (id_tag,)).fetchone()
    return row is None or row[0] > iso(at)
