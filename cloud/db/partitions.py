"""The monthly partitions of the tables that grow most: made ahead, and dropped when they are old. PostgreSQL only.

A month is one in UTC, of the time of receipt. What fits no month goes to the table's DEFAULT partition, so that
nothing is ever refused; when its month is made, it moves there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from cloud.db.database import Database, Unit

PARTITIONED = ("meter_value", "raw_event")
MONTHS_AHEAD = 3

_LOCK = 0x6761726476  # the PostgreSQL advisory lock of whoever makes or drops partitions
_PATIENCE = "5s"
_BOUND = re.compile(r"FROM \((?:MINVALUE|'(?P<start>[^']+)')\) TO \('(?P<end>[^']+)'\)")
_LONGEST_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition that holds a stretch of time."""

    name: str
    start: datetime
    """Inclusive."""
    end: datetime
    """Exclusive."""


def make_ahead(database: Database, now: datetime) -> list[str]:
    """Make the partitions of this month and of the next `MONTHS_AHEAD` that are missing; harmless when repeated.

    Returns:
        The names of those that were made.

    Raises:
        DatabaseUnavailableError: a statement that runs long was in the way, or the database is away. Try again later.
    """
    made: list[str] = []
    for table in _tables(database):
        with _alone(database) as unit:
            there = partitions(unit, table)
            for start, end in _months(now, MONTHS_AHEAD + 1):
                if not any(one.start <= start < one.end for one in there):
                    made.append(_make(unit, table, start, end))
    return made


def drop_before(database: Database, table: str, before: datetime) -> list[str]:
    """Drop a table's partitions that hold nothing received at `before` or later.

    Returns:
        Their names.

    Raises:
        DatabaseUnavailableError: as `make_ahead`.
    """
    dropped: list[str] = []
    with _alone(database) as unit:
        for partition in partitions(unit, table):
            if partition.end <= before:
                unit.execute(text(f"DROP TABLE {partition.name}"))
                dropped.append(partition.name)
        unit.execute(text(f"DELETE FROM {table}_default WHERE received_at < :before"), {"before": before})  # noqa: S608 - our name
    return dropped


def partitions(unit: Unit, table: str) -> list[Partition]:
    """A table's partitions in the order of time, without DEFAULT."""
    rows = unit.execute(
        text(
            "SELECT child.relname, pg_get_expr(child.relpartbound, child.oid)"
            " FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = CAST(:parent AS regclass)"
        ),
        {"parent": table},
    )
    found = [Partition(name, _instant(bound["start"]), _instant(bound["end"])) for name, bound in _bounds(rows)]
    return sorted(found, key=lambda one: one.start)


def _bounds(rows: Iterable[Any]) -> Iterator[tuple[str, re.Match[str]]]:
    for name, expression in rows:
        if (bound := _BOUND.search(expression)) is not None:
            yield name, bound


def _instant(told: str | None) -> datetime:
    return datetime.min.replace(tzinfo=UTC) if told is None else datetime.fromisoformat(told)


def _make(unit: Unit, table: str, start: datetime, end: datetime) -> str:
    name = f"{table}_{start:%Y_%m}"
    stretch = {"start": start, "end": end}
    # Made apart and attached: so the table can be written to meanwhile. DEFAULT alone is locked for a moment.
    unit.execute(text(f"CREATE TABLE {name} (LIKE {table})"))
    unit.execute(text(f"LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE"))
    unit.execute(
        text(
            f"WITH moved AS (DELETE FROM {table}_default"  # noqa: S608 - our names
            f" WHERE received_at >= :start AND received_at < :end RETURNING *) INSERT INTO {name} SELECT * FROM moved"
        ),
        stretch,
    )
    unit.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')"))
    return name


def _months(now: datetime, count: int) -> Iterator[tuple[datetime, datetime]]:
    start = _month(now)
    for _ in range(count):
        end = _month(start + _LONGEST_MONTH)
        yield start, end
        start = end


def _month(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _tables(database: Database) -> tuple[str, ...]:
    return () if database.is_sqlite else PARTITIONED


@contextmanager
def _alone(database: Database) -> Iterator[Unit]:
    """One replica at a time; and rather not now than make everybody wait behind a long statement."""
    with database.write() as unit:
        unit.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        unit.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
        yield unit
