"""Charging transactions. Rows are never deleted by a message, and a charge point's own word wins over an estimate."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from edge.domain.timestamps import iso

_RUNNING = "charging_transaction INDEXED BY open_transaction"
"""The index that holds no others: SQLite itself would walk through all that ended."""
LATEST = 50
"""Transactions of one charge point that are looked through for the one that ended last."""


class State(StrEnum):
    """How far a transaction has come."""

    OPEN = "open"
    SUSPECT = "suspect"
    """Running as far as the edge knows, and something speaks against it."""
    PROVISIONALLY_CLOSED = "provisionally_closed"
    """Ended by an estimate; the charge point's own stop is still awaited and wins."""
    CLOSED = "closed"
    """Ended by its charge point."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One row."""

    transaction_id: int
    """Unique at this site for ever; what the charge point was told."""
    uuid: UUID
    charge_point: str
    connector_id: int | None
    station_transaction_id: int | None
    """What the charge point called it, where that differs."""
    id_tag: str | None
    id_tag_status: str | None
    parent_id_tag: str | None
    meter_start_wh: int | None
    started_at: datetime | None
    meter_stop_wh: int | None
    stopped_at: datetime | None
    stop_id_tag: str | None
    reason: str | None
    energy_wh: int | None
    estimated: bool
    flags: list[str]
    id_tag_reason: str | None = None
    """Why its id tag was refused, in words; `None`: it was not."""
    start_received_at: datetime | None = None
    stop_received_at: datetime | None = None
    baseline_wh: int | None = None
    """The first sample of the register, where the start brought none."""
    suspect_since: datetime | None = None
    suspect_why: str | None = None
    alive_at: datetime | None = None
    """The last sign of life that answered a suspicion."""
    closed_by: str | None = None
    """Who ended it instead of its charge point."""

    @property
    def state(self) -> State:
        """How far it has come."""
        if self.stopped_at is None:
            return State.OPEN if self.suspect_since is None else State.SUSPECT
        return State.PROVISIONALLY_CLOSED if self.estimated else State.CLOSED

    @property
    def open(self) -> bool:
        """Whether it is running as far as the edge knows."""
        return self.stopped_at is None


def find(connection: sqlite3.Connection, transaction_id: int) -> Transaction | None:
    """Look one up by its number."""
    return _one(connection, "transaction_id = ?", transaction_id)


def find_by_uuid(connection: sqlite3.Connection, uuid: UUID) -> Transaction | None:
    """Look one up by its identity."""
    return _one(connection, "uuid = ?", str(uuid))


def find_by_key(connection: sqlite3.Connection, key: str) -> Transaction | None:
    """Look up the newest one whose first message said this."""
    return _one(connection, "start_said = ? ORDER BY transaction_id DESC LIMIT 1", key)


def find_by_station_number(
    connection: sqlite3.Connection, charge_point: str, number: int, connector_id: int | None = None
) -> Transaction | None:
    """Look up the one of a connector that a charge point calls by a number that the edge did not give.

    Args:
        connection: to read through.
        charge_point: whose number it is; some count per connector.
        number: that it uses.
        connector_id: where; `None`: a running one anywhere, else the newest.
    """
    return _one(
        connection,
        """charge_point = ?1 AND station_transaction_id = ?2 AND connector_id IS NOT NULL
           AND (?3 IS NULL OR connector_id = ?3) ORDER BY stopped_at IS NOT NULL, transaction_id DESC LIMIT 1""",
        charge_point,
        number,
        connector_id,
    )


def observed_at(connection: sqlite3.Connection, charge_point: str, connector_id: int) -> list[Transaction]:
    """List those of a connector that are known from meter values alone, oldest first."""
    return _many(
        connection,
        """charge_point = ? AND station_transaction_id IS NOT NULL AND start_said IS NULL AND connector_id = ?
           ORDER BY +transaction_id""",  # by the index of such numbers: the order must not choose another
        charge_point,
        connector_id,
    )


def any_began_between(connection: sqlite3.Connection, place: tuple[str, int], since: datetime, until: datetime) -> bool:
    """Tell whether another start of a connector lies between two times, the first of them excluded."""
    row = connection.execute(
        """SELECT 1 FROM charging_transaction
           WHERE charge_point = ? AND connector_id = ? AND start_said IS NOT NULL AND started_at > ? AND started_at < ?
           LIMIT 1""",
        (*place, iso(since), iso(until)),
    ).fetchone()
    return row is not None


def open_at(connection: sqlite3.Connection, charge_point: str) -> list[Transaction]:
    """List the running transactions of a charge point, oldest first."""
    return _running(connection, "charge_point = ?", charge_point)


def open_of_id_tag(connection: sqlite3.Connection, id_tag: str) -> list[Transaction]:
    """List the running transactions of an id tag, oldest first."""
    return _many(connection, "id_tag = ? AND stopped_at IS NULL ORDER BY transaction_id", id_tag)


def all_open(connection: sqlite3.Connection) -> list[Transaction]:
    """List the running transactions of the site, oldest first."""
    return _running(connection, "TRUE")


def last_at(connection: sqlite3.Connection, charge_point: str, connector_id: int) -> Transaction | None:
    """Find the newest transaction of a connector."""
    return _one(
        connection,
        "charge_point = ? AND connector_id = ? ORDER BY transaction_id DESC LIMIT 1",
        charge_point,
        connector_id,
    )


def last_stopped(connection: sqlite3.Connection, charge_point: str) -> Transaction | None:
    """Find the transaction of a charge point whose stop arrived last; an estimated end is no stop."""
    newest = _many(connection, "charge_point = ? ORDER BY transaction_id DESC LIMIT ?", charge_point, LATEST)
    stopped = [candidate for candidate in newest if candidate.state is State.CLOSED]
    return max(stopped, key=lambda one: (str(one.stop_received_at), one.transaction_id), default=None)


def page(
    connection: sqlite3.Connection,
    *,
    before: int | None = None,
    limit: int = 100,
    charge_point: str | None = None,
    id_tag: str | None = None,
    running: bool | None = None,
) -> list[Transaction]:
    """List transactions, newest number first.

    Args:
        connection: to read through.
        before: only those with a smaller number; `None`: from the newest.
        limit: at most so many.
        charge_point: only those of this charge point.
        id_tag: only those begun with this id tag, whatever its case.
        running: only the running ones, or only the ended ones.
    """
    wanted = {"transaction_id < ?": before, "charge_point = ?": charge_point, "id_tag = ?": id_tag}
    conditions = [condition for condition, value in wanted.items() if value is not None]
    if running is not None:
        conditions.append("stopped_at IS NULL" if running else "stopped_at IS NOT NULL")
    values = [value for value in wanted.values() if value is not None]
    where = " AND ".join(conditions) or "TRUE"
    source = _RUNNING if running else "charging_transaction"
    return _many(connection, f"{where} ORDER BY transaction_id DESC LIMIT ?", *values, limit, source=source)


def told_between(connection: sqlite3.Connection, since: datetime, until: datetime) -> tuple[int, int]:
    """Count the transactions whose start, and those whose stop, reached the edge within a span of time."""
    span = (iso(since), iso(until))
    started, stopped = (
        connection.execute(
            f"SELECT count(*) FROM charging_transaction WHERE {column} >= ? AND {column} < ?",  # noqa: S608 - own names
            span,
        ).fetchone()[0]
        for column in ("start_received_at", "stop_received_at")
    )
    return started, stopped


def _one(connection: sqlite3.Connection, where: str, *values: Any) -> Transaction | None:  # noqa: ANN401 - SQL values
    found = _many(connection, where, *values)
    return found[0] if found else None


def _running(connection: sqlite3.Connection, where: str, *values: Any) -> list[Transaction]:  # noqa: ANN401 - SQL values
    return _many(connection, f"{where} AND stopped_at IS NULL ORDER BY transaction_id", *values, source=_RUNNING)


def _many(
    connection: sqlite3.Connection,
    where: str,
    *values: Any,  # noqa: ANN401 - SQL values
    source: str = "charging_transaction",
) -> list[Transaction]:
    rows = connection.execute(f"SELECT * FROM {source} WHERE {where}", values)  # noqa: S608 - own text
    return [transaction(row) for row in rows]


def transaction(row: sqlite3.Row) -> Transaction:
    """Read a row of `SELECT * FROM charging_transaction`."""
    return Transaction(
        transaction_id=row["transaction_id"],
        uuid=UUID(row["uuid"]),
        charge_point=row["charge_point"],
        connector_id=row["connector_id"],
        station_transaction_id=row["station_transaction_id"],
        id_tag=row["id_tag"],
        id_tag_status=row["id_tag_status"],
        parent_id_tag=row["parent_id_tag"],
        meter_start_wh=row["meter_start_wh"],
        started_at=_instant(row["started_at"]),
        meter_stop_wh=row["meter_stop_wh"],
        stopped_at=_instant(row["stopped_at"]),
        stop_id_tag=row["stop_id_tag"],
        reason=row["reason"],
        energy_wh=row["energy_wh"],
        estimated=bool(row["estimated"]),
        flags=orjson.loads(row["flags"]),
        id_tag_reason=row["id_tag_reason"],
        start_received_at=_instant(row["start_received_at"]),
        stop_received_at=_instant(row["stop_received_at"]),
        baseline_wh=row["baseline_wh"],
        suspect_since=_instant(row["suspect_since"]),
        suspect_why=row["suspect_why"],
        alive_at=_instant(row["alive_at"]),
        closed_by=row["closed_by"],
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
