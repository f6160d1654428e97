from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.store import security_tallies
from edge.store.database import connect
from edge.store.migrations import migrate

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    migrate(tmp_path / "edge.db")
    connection = connect(tmp_path / "edge.db")
    yield connection
    connection.close()


def test_nothing_is_lost_of_a_flood_the_first_is_told_at_once_the_rest_with_its_count(
    connection: sqlite3.Connection,
) -> None:
    told = [security_tallies.count(connection, "CP1", "Tamper", str(n), NOW + n * SECOND) for n in range(30)]
    assert [tally.count for tally in told if tally is not None] == [1]
    assert not security_tallies.is_due(connection, NOW + 59 * SECOND)
    assert security_tallies.is_due(connection, NOW + 60 * SECOND)
    (tally,) = security_tallies.due(connection, NOW + 60 * SECOND)
    assert (tally.count, tally.detail) == (29, "29")
    assert security_tallies.due(connection, NOW + 120 * SECOND) == []
    assert not security_tallies.is_due(connection, NOW + 1000 * SECOND)


def test_an_event_after_its_minute_takes_those_that_wait_with_it(connection: sqlite3.Connection) -> None:
    for second in (0, 1, 2):
        security_tallies.count(connection, "CP1", "Tamper", "", NOW + second * SECOND)
    tally = security_tallies.count(connection, "CP1", "Tamper", "", NOW + 61 * SECOND)
    assert tally is not None
    assert tally.count == 3


def test_kinds_and_charge_points_are_told_apart_as_long_as_they_are_not_made_up(
    connection: sqlite3.Connection,
) -> None:
    told = [security_tallies.count(connection, "CP1", f"kind {number}", "", NOW) for number in range(200)]
    kinds = [tally.kind for tally in told if tally is not None]
    assert len(kinds) == security_tallies.MAX_KINDS + 1
    assert kinds[-1] == security_tallies.OTHERS
    assert security_tallies.count(connection, "CP2", "kind 199", "", NOW) is not None
    waiting = security_tallies.due(connection, NOW + 60 * SECOND)
    assert sum(tally.count for tally in waiting) + len(kinds) == 200


def test_a_clock_that_was_set_back_does_not_hold_events_up(connection: sqlite3.Connection) -> None:
    security_tallies.count(connection, "CP1", "Tamper", "", NOW)
    assert security_tallies.count(connection, "CP1", "Tamper", "", NOW - timedelta(days=1)) is not None
