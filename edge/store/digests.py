"""The digests of days: what ended on which day, and what was told of it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from contract.digests import DayDigest, DayDigested, Ended, digest
from contract.streams import Stream
from edge.domain.timestamps import iso
from edge.store.writer import WriteTx


def days(connection: sqlite3.Connection, since: date | None) -> list[date]:
    """List the days on which transactions ended, and those that were told, oldest first; `since`: not older ones."""
    rows = connection.execute(
        """SELECT DISTINCT substr(stopped_at, 1, 10) AS day FROM charging_transaction
               WHERE stopped_at IS NOT NULL AND stopped_at >= ?1
           UNION SELECT day FROM day_digest WHERE day >= ?1 ORDER BY day""",
        ("" if since is None else since.isoformat(),),
    )
    return [date.fromisoformat(row["day"]) for row in rows]


def changed(connection: sqlite3.Connection, day: date) -> DayDigested | None:
    """Sum up a day; `None`: it stands as it was told. Call it in one snapshot: the ledger's number must fit."""
    head = connection.execute("SELECT head FROM stream WHERE stream = ?", (Stream.LEDGER,)).fetchone()["head"]
    told = connection.execute("SELECT hash FROM day_digest WHERE day = ?", (day.isoformat(),)).fetchone()
    now = _sum(connection, day)
    if told is not None and told["hash"] == now.hash:
        return None
    return DayDigested(
        day=day,
        transactions=now.transactions,
        energy_wh=now.energy_wh,
        without_energy=now.without_energy,
        hash=now.hash,
        ledger_seq=head,
    )


def tell(tx: WriteTx, told: DayDigested, now: datetime) -> None:
    """Leave the event, and remember that it was."""
    tx.connection.execute(
        """INSERT INTO day_digest (day, hash, told_at) VALUES (?1, ?2, ?3)
           ON CONFLICT (day) DO UPDATE SET hash = ?2, told_at = ?3""",
        (told.day.isoformat(), told.hash, iso(now)),
    )
    tx.emit(told, subject=f"day/{told.day.isoformat()}", occurred_at=now)


def _sum(connection: sqlite3.Connection, day: date) -> DayDigest:
    begin = datetime.combine(day, time(), UTC)
    rows = connection.execute(
        "SELECT uuid, stopped_at, energy_wh FROM charging_transaction WHERE stopped_at >= ? AND stopped_at < ?",
        (iso(begin), iso(begin + timedelta(days=1))),
    )
    return digest(Ended(UUID(row["uuid"]), datetime.fromisoformat(row["stopped_at"]), row["energy_wh"]) for row in rows)
