"""PostgreSQL: connections that the server has closed are replaced unnoticed, and what a unit of work sees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from cloud.db.database import Database, Unit
from tests.integration.cloud.postgres import Cluster

_WITHIN_S = 30.0


@pytest.fixture
def url(postgres: Cluster) -> str:
    name = f"c_{uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute("CREATE TABLE counted (n int)")
    return postgres.url(name)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def count(unit: Unit) -> int:
    return int(unit.execute(text("SELECT count(*) FROM counted")).scalar_one())


def add_one(database: Database) -> None:
    with database.write() as unit:
        unit.execute(text("INSERT INTO counted VALUES (1)"))


def close_all_but_ours(url: str) -> None:
    """As a restart of the server does. Returns when all are gone."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + _WITHIN_S
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid) {others}".encode())
        while connection.execute(f"SELECT 1 {others}".encode()).fetchone():
            assert time.monotonic() < deadline


def test_connections_that_the_server_closed_meanwhile_are_replaced_unnoticed(url: str, database: Database) -> None:
    with database.read() as one, database.read() as another, database.write() as third:
        assert count(one) == count(another) == count(third) == 0
    for _ in range(3):
        close_all_but_ours(url)
        with database.read() as unit, database.write() as writing:
            assert count(unit) == count(writing)
        add_one(database)
    with database.read() as unit:
        assert count(unit) == 3


def test_a_unit_of_one_instant_does_not_see_what_is_committed_meanwhile(database: Database) -> None:
    with database.read(of_one_instant=True) as still, database.read() as moving:
        assert count(still) == count(moving) == 0
        add_one(database)
        assert (count(still), count(moving)) == (0, 1)
    with database.read(of_one_instant=True) as unit:
        assert count(unit) == 1


def test_no_unit_inherits_the_manners_of_the_one_before(database: Database) -> None:
    for _ in range(3):
        with database.read(of_one_instant=True) as unit:
            assert unit.execute(text("SHOW transaction_isolation")).scalar_one() == "repeatable read"
        with database.read() as unit:
            assert unit.execute(text("SHOW transaction_isolation")).scalar_one() == "read committed"
        with suppress(ZeroDivisionError), database.write() as unit:
            unit.execute(text("INSERT INTO counted VALUES (1)"))
            raise ZeroDivisionError
        with database.read() as unit:
            assert count(unit) == 0
