"""Migrations bring the database to what the models say, once, whoever runs them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select, text

from cloud.db.database import Database
from cloud.db.schema import head, migrate, require_current
from cloud.errors import SchemaError
from cloud.models import Table
from cloud.models.sites import InstanceRow
from tests.integration.cloud.postgres import Cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    running: Cluster = request.getfixturevalue("postgres")
    name = f"e_{uuid4().hex}"
    with psycopg.connect(running.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return running.url(name)


def is_no_partition(name: str | None, kind: str, _: object) -> bool:
    return kind != "table" or not (name or "").endswith(("_first", "_default"))


def test_the_migrations_make_what_the_models_say(empty_url: str) -> None:
    database = Database(empty_url)
    with pytest.raises(SchemaError, match="needs"):
        require_current(database)
    assert migrate(database) is None
    assert migrate(database) == head()
    require_current(database)
    with database.read() as unit:
        context = MigrationContext.configure(unit.connection(), opts={"include_name": is_no_partition})
        assert compare_metadata(context, Table.metadata) == []
    database.close()


def test_several_processes_may_migrate_at_once(empty_url: str) -> None:
    databases = [Database(empty_url) for _ in range(4)]
    with ThreadPoolExecutor() as threads:
        before = list(threads.map(migrate, databases))
    assert sorted(before, key=str) == [head(), head(), head(), None]
    with databases[0].read() as unit:
        assert len(unit.scalars(select(InstanceRow)).all()) == 1
    for database in databases:
        database.close()


def test_a_schema_of_a_newer_release_is_refused_and_left_alone(database: Database) -> None:
    with database.write() as unit:
        unit.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for check in (migrate, require_current):
        with pytest.raises(SchemaError, match="newer release"):
            check(database)
