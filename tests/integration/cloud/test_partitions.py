"""PostgreSQL: a month of meter values is a table of its own; none is refused for want of one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select, text

from cloud.db import partitions, schema
from cloud.db.database import Database
from cloud.db.partitions import drop_before, make_ahead
from cloud.models.metering import MeterValueRow
from cloud.transactions.repository import add_meter_values
from tests.integration.cloud.postgres import Cluster

MARCH = datetime(2031, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["postgresql"])
def database_url(request: pytest.FixtureRequest, postgres: Cluster) -> str:
    name = f"p_{uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE fresh".encode())
    return postgres.url(name)


def add(database: Database, seq: int, received_at: datetime) -> None:
    row: tuple[Any, ...] = ("tower", 1, seq, 0, "CP1", 1, None, MARCH, b'[{"value":"1"}]', received_at)
    with database.write() as unit:
        add_meter_values(unit, [row])


def places(database: Database) -> dict[int, str]:
    with database.read() as unit:
        found = unit.execute(text("SELECT seq, CAST(tableoid AS regclass)::text FROM meter_value"))
        return {seq: name for seq, name in found}  # noqa: C416 - a result is no mapping


def names(database: Database, table: str = "meter_value") -> list[str]:
    with database.read() as unit:
        return [one.name for one in partitions.partitions(unit, table)]


def test_the_months_to_come_are_made_once_however_many_replicas_start(database: Database) -> None:
    with ThreadPoolExecutor(4) as threads:
        made = [name for some in threads.map(lambda _: make_ahead(database, MARCH), range(4)) for name in some]
    expected = [f"{table}_2031_{month}" for table in ("meter_value", "raw_event") for month in ("03", "04", "05", "06")]
    assert sorted(made) == expected
    assert names(database) == ["meter_value_first", *expected[:4]]
    assert make_ahead(database, MARCH + timedelta(days=40)) == ["meter_value_2031_07", "raw_event_2031_07"]


def test_a_value_of_no_month_waits_in_default_and_moves_when_its_month_is_made(database: Database) -> None:
    make_ahead(database, MARCH)
    for seq, received_at in enumerate((MARCH, MARCH + timedelta(days=200), MARCH - timedelta(days=40 * 365)), 1):
        add(database, seq, received_at)
    assert places(database) == {1: "meter_value_2031_03", 2: "meter_value_default", 3: "meter_value_first"}
    make_ahead(database, MARCH + timedelta(days=190))
    assert places(database)[2] == "meter_value_2031_09"
    with database.read() as unit:
        assert len(unit.scalars(select(MeterValueRow)).all()) == 3


def test_a_month_is_dropped_when_all_of_it_is_old(database: Database) -> None:
    make_ahead(database, MARCH)
    for seq, months in enumerate((-24, 0, 1, 30), 1):
        add(database, seq, MARCH + timedelta(days=30 * months))
    assert drop_before(database, "meter_value", datetime(2031, 4, 30, tzinfo=UTC)) == [
        "meter_value_first",
        "meter_value_2031_03",
    ]
    assert set(places(database)) == {3, 4}
    assert drop_before(database, "meter_value", datetime(2034, 1, 1, tzinfo=UTC))
    assert places(database) == {}
    add(database, 5, MARCH)
    assert places(database) == {5: "meter_value_default"}


def test_values_from_before_there_were_partitions_stay_where_they_are(postgres: Cluster) -> None:
    name = f"old_{uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    database = Database(postgres.url(name))
    with database.write() as unit:
        config: Config = schema._config()
        config.attributes["connection"] = unit.connection()
        command.upgrade(config, "0004")
        unit.execute(
            text(
                "INSERT INTO meter_value"
                " SELECT 'tower', 1, n, 0, 'CP1', 1, NULL, now(), '[]' FROM generate_series(1, 50) n"
            )
        )
    schema.migrate(database)
    add(database, 51, datetime.now(UTC))
    assert len(make_ahead(database, datetime.now(UTC))) >= 6
    assert set(places(database).values()) == {"meter_value_first"}
    assert len(places(database)) == 51
    with database.read() as unit:
        received = unit.scalars(select(MeterValueRow.received_at)).all()
    assert all(datetime.now(UTC) - at < timedelta(minutes=10) for at in received)
    database.close()
