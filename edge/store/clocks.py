"""What is known of clocks: those of the charge points, and the edge's own across restarts."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

import orjson

from edge.domain.timestamps import iso


@dataclass(frozen=True, slots=True)
class EdgeClock:
    """What the edge remembers of its own clock."""

    seen_at: datetime
    """The wall clock when it was last noted."""
    suspect_since: datetime | None
    """Since when the clock cannot be believed; `None`: it can."""
    trusted_at: datetime | None = None
    """The machine's clock when a person said that it is right; `None`: nobody did since it was last noted."""


def read_offsets(connection: sqlite3.Connection, charge_point: str) -> tuple[list[float], datetime] | None:
    """List the latest offsets of a charge point's clock in seconds, and when the last of them was learned.

    `None`: nothing odd was seen yet.
    """
    row = connection.execute(
        "SELECT offsets_s, learned_at FROM charge_point_clock WHERE charge_point = ?", (charge_point,)
    ).fetchone()
    if row is None:
        return None
    return [float(offset) for offset in orjson.loads(row["offsets_s"])], datetime.fromisoformat(row["learned_at"])


def read_skew_s(connection: sqlite3.Connection, charge_point: str) -> float | None:
    """Read by how many seconds a charge point's clock is behind; `None`: not known, or not stable."""
    row = connection.execute("SELECT skew_s FROM charge_point_clock WHERE charge_point = ?", (charge_point,)).fetchone()
    return None if row is None else row["skew_s"]


def write_offsets(
    connection: sqlite3.Connection, charge_point: str, offsets_s: list[float], skew_s: float | None, now: datetime
) -> None:
    """Keep the offsets and what they make."""
    connection.execute(
        """INSERT INTO charge_point_clock (charge_point, offsets_s, skew_s, learned_at) VALUES (?, ?, ?, ?)
           ON CONFLICT (charge_point) DO UPDATE SET offsets_s = excluded.offsets_s, skew_s = excluded.skew_s,
               learned_at = excluded.learned_at""",
        (charge_point, orjson.dumps(offsets_s).decode(), skew_s, iso(now)),
    )


def read_edge(connection: sqlite3.Connection) -> EdgeClock | None:
    """Read what the edge remembers of its clock; `None`: it has never run."""
    row = connection.execute("SELECT seen_at, suspect_since, trusted_at FROM edge_clock").fetchone()
    if row is None:
        return None
    since, trusted = (None if at is None else datetime.fromisoformat(at) for at in (row[1], row[2]))
    return EdgeClock(datetime.fromisoformat(row["seen_at"]), since, trusted)


def write_edge(connection: sqlite3.Connection, now: datetime, suspect_since: datetime | None) -> None:
    """Note the wall clock, and whether it can be believed. What a person said of it before is dealt with."""
    connection.execute(
        """INSERT INTO edge_clock (one, seen_at, suspect_since) VALUES (1, ?, ?)
           ON CONFLICT (one) DO UPDATE SET seen_at = excluded.seen_at, suspect_since = excluded.suspect_since,
               trusted_at = NULL""",
        (iso(now), None if suspect_since is None else iso(suspect_since)),
    )


def trust_edge(connection: sqlite3.Connection, machine: datetime) -> None:
    """Note that a person vouches for the machine's clock. The edge heeds it at its next look, or at its start."""
    connection.execute("UPDATE edge_clock SET trusted_at = ?", (iso(machine),))


def edge_suspect(connection: sqlite3.Connection) -> bool:
    """Whether the edge's own clock cannot be believed at present."""
    return connection.execute("SELECT 1 FROM edge_clock WHERE suspect_since IS NOT NULL").fetchone() is not None


def read_passed(connection: sqlite3.Connection) -> datetime | None:
    """Read how far time has certainly come; `None`: that was never noted."""
    row = connection.execute("SELECT at FROM passed_time").fetchone()
    return None if row is None else datetime.fromisoformat(row["at"])


def write_passed(connection: sqlite3.Connection, at: datetime) -> None:
    """Note how far time has certainly come."""
    connection.execute(
        "INSERT INTO passed_time (one, at) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET at = excluded.at", (iso(at),)
    )
