"""A cloud that starts together with its database waits for it, and says so."""

from __future__ import annotations

import pytest

from cloud.db.database import Database
from cloud.errors import DatabaseUnavailableError
from tests.harness.processes import free_port


def test_a_database_that_never_answers_ends_the_wait_with_its_error() -> None:
    told: list[str] = []
    database = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none")
    with pytest.raises(DatabaseUnavailableError):
        database.wait_until_up(2.0, told.append)
    assert told[0] == "The database does not answer yet; try 2 follows."
    database.close()


def test_a_database_that_answers_is_not_waited_for() -> None:
    told: list[str] = []
    database = Database("sqlite://")
    database.wait_until_up(2.0, told.append)
    assert told == []
    database.close()
