"""The local lists that charge points hold, as far as the edge knows; a doubt is answered by a full list."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from edge.domain.authorisation import DirectoryEntry
from edge.domain.timestamps import iso

RECENT = 20_000
"""Transactions that are looked through for who charged lately."""


class ListState(StrEnum):
    """What is known of a list."""

    KNOWN = "known"
    DOUBTFUL = "doubtful"
    """The next one is sent in full."""
    UNSUPPORTED = "unsupported"
    """This device, with this firmware, has none."""


@dataclass(frozen=True, slots=True)
class LocalList:
    """One row."""

    version: int
    entries: dict[str, dict[str, Any]]
    state: ListState


def find(connection: sqlite3.Connection, charge_point: str) -> LocalList | None:
    """Look one up; `None`: none was ever sent."""
    row = connection.execute(
        "SELECT version, entries, state FROM local_list WHERE charge_point = ?", (charge_point,)
    ).fetchone()
    return None if row is None else LocalList(row["version"], orjson.loads(row["entries"]), ListState(row["state"]))


def changed_at(connection: sqlite3.Connection, charge_point: str) -> datetime | None:
    """Tell when a charge point took its list last; `None`: it never did."""
    row = connection.execute("SELECT changed_at FROM local_list WHERE charge_point = ?", (charge_point,)).fetchone()
    return None if row is None else datetime.fromisoformat(row["changed_at"])


def record(
    connection: sqlite3.Connection,
    charge_point: str,
    version: int,
    entries: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> None:
    """Keep what a charge point has accepted."""
    _write(connection, charge_point, version, entries, ListState.KNOWN, now)


def record_unsupported(connection: sqlite3.Connection, charge_point: str, now: datetime) -> None:
    """Remember that a charge point has no local list."""
    _write(connection, charge_point, 0, {}, ListState.UNSUPPORTED, now)


def doubt(connection: sqlite3.Connection, charge_point: str) -> None:
    """Let the next list go in full."""
    connection.execute(
        "UPDATE local_list SET state = ? WHERE charge_point = ? AND state = ?",
        (ListState.DOUBTFUL, charge_point, ListState.KNOWN),
    )


def forget(connection: sqlite3.Connection, charge_point: str) -> None:
    """Drop what is known: it is another device now, or has other firmware."""
    connection.execute("DELETE FROM local_list WHERE charge_point = ?", (charge_point,))


def by_recent_use(connection: sqlite3.Connection) -> list[DirectoryEntry]:
    """List the directory: who charged last comes first, then those who may charge."""
    rows = connection.execute(
        """SELECT tag.id_tag, tag.status, tag.expires_at, tag.parent_id_tag
           FROM id_tag AS tag LEFT JOIN (
               SELECT id_tag, max(transaction_id) AS latest
               FROM (SELECT id_tag, transaction_id FROM charging_transaction ORDER BY transaction_id DESC LIMIT ?)
               GROUP BY id_tag
           ) AS used ON used.id_tag = tag.id_tag
           ORDER BY used.latest IS NULL, used.latest DESC, tag.status <> 'Accepted', tag.id_tag""",
        (RECENT,),
    )
    return [
        DirectoryEntry(
            id_tag=row["id_tag"],
            status=row["status"],
            expires_at=None if row["expires_at"] is None else datetime.fromisoformat(row["expires_at"]),
            parent_id_tag=row["parent_id_tag"],
        )
        for row in rows
    ]


def _write(
    connection: sqlite3.Connection,
    charge_point: str,
    version: int,
    entries: Mapping[str, Mapping[str, Any]],
    state: ListState,
    now: datetime,
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO local_list (charge_point, version, entries, state, changed_at) VALUES (?, ?, ?, ?, ?)",
        (charge_point, version, orjson.dumps(dict(entries)).decode(), state, iso(now)),
    )
