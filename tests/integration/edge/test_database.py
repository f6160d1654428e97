from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database

from edge.errors import SchemaTooNewError, StoreError
from edge.store import identity, migrations
from edge.store.database import connect
from edge.store.migrations import STEPS, migrate, pending
from edge.store.readers import Readers


def tables(path: Path) -> set[str]:
    connection = connect(path)
    names = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return {name for name in names if not name.startswith(("_", "sqlite_"))}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_commit_waits_for_the_disk_and_readers_work_beside_it(tmp_path: Path) -> None:
    connection = connect(tmp_path / "edge.db")
    in_force = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only")
    }
    connection.close()
    full = 2
    assert in_force == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "query_only": 0,
    }


def test_only_its_owner_may_read_a_database(tmp_path: Path) -> None:
    connection = connect(tmp_path / "edge.db")
    connection.execute("CREATE TABLE something (it)")
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    connection.close()
    assert modes == {"edge.db": 0o600, "edge.db-wal": 0o600, "edge.db-shm": 0o600}


def test_a_read_only_connection_refuses_to_write(blank: Path, tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    path.write_bytes(blank.read_bytes())
    connection = connect(path, read_only=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM identity")
    connection.close()


async def test_readers_see_the_last_commit_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    migrate(path)
    writing = connect(path)
    readers = Readers(path)
    writing.execute("BEGIN IMMEDIATE")
    writing.execute("UPDATE identity SET epoch = 2")
    assert (await readers.run(identity.read)).epoch == readers.run_now(identity.read).epoch == 1
    writing.execute("COMMIT")
    assert (await readers.run(identity.read)).epoch == readers.run_now(identity.read).epoch == 2
    with pytest.raises(sqlite3.OperationalError):
        await readers.run(lambda db: db.execute("UPDATE identity SET epoch = 3"))
    assert (await readers.run(identity.read)).epoch == 2
    readers.close()
    writing.close()


@pytest.mark.parametrize("name", ["missing/edge.db", "."])
def test_a_file_that_cannot_be_opened_is_told_with_a_hint(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        connect(tmp_path / name)
    assert caught.value.hint


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    path.write_text("dear diary\n" * 1000)
    before = digest(path)
    with pytest.raises(StoreError):
        migrate(path)
    assert digest(path) == before


def test_a_fresh_database_gets_every_step_once(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    assert pending(path) == list(STEPS)
    assert migrate(path) == list(STEPS)
    assert pending(path) == []
    assert {"charge_point", "charging_transaction", "meter_value", "outbox", "command"} <= tables(path)


def test_a_second_migration_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    migrate(path)
    connection = connect(path)
    before = identity.read(connection)
    connection.close()
    unchanged = digest(path)
    assert migrate(path) == []
    assert digest(path) == unchanged
    connection = connect(path)
    assert identity.read(connection) == before
    connection.close()


def test_two_databases_have_two_identities(tmp_path: Path) -> None:
    ids = set()
    for name in ("one.db", "two.db"):
        migrate(tmp_path / name)
        connection = connect(tmp_path / name)
        ids.add(identity.read(connection).store_id)
        connection.close()
    assert len(ids) == 2


def test_a_database_of_a_newer_release_is_refused_and_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    migrate(path)
    connection = connect(path)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('gardu-edge', 'm9999_future', '')"
    )
    connection.close()
    before = digest(path)
    with pytest.raises(SchemaTooNewError, match="m9999_future") as caught:
        migrate(path)
    assert caught.value.hint is not None
    assert "untouched" in caught.value.hint
    assert digest(path) == before


@pytest.mark.parametrize("crash_at", range(1, 30, 4))
def test_a_crash_in_the_middle_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    class PowerCutError(BaseException):
        pass

    path = tmp_path / "edge.db"
    whole = migrations._run
    statements = 0

    def until_the_power_goes(db: Database, script: str) -> None:
        nonlocal statements
        for statement in script.split(";"):
            if statement.strip():
                statements += 1
                if statements == crash_at:
                    raise PowerCutError
                whole(db, statement)

    monkeypatch.setattr(migrations, "_run", until_the_power_goes)
    try:
        migrate(path)
    except PowerCutError:
        done = [step for step in STEPS if step not in pending(path)]
        assert done == list(STEPS[: len(done)])
        assert ("charge_point" in tables(path)) == ("m0001_site" in done)
        assert ("charging_transaction" in tables(path)) == ("m0002_transactions" in done)
        assert ("outbox" in tables(path)) == ("m0003_link" in done)
        monkeypatch.setattr(migrations, "_run", whole)
        assert migrate(path) == list(STEPS[len(done) :])
    assert pending(path) == []
    connection = connect(path)
    assert identity.read(connection).epoch == 1
    connection.close()


def test_a_migration_that_fails_is_told_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(db: Database, script: str) -> None:
        db.conn.execute("CREATE TABLE")

    monkeypatch.setattr(migrations, "_run", broken)
    with pytest.raises(StoreError, match="cannot be migrated") as caught:
        migrate(tmp_path / "edge.db")
    assert caught.value.hint == "Nothing was changed."


def test_the_number_of_a_transaction_is_never_given_again_whatever_is_deleted(tmp_path: Path) -> None:
    migrate(tmp_path / "edge.db")
    connection = connect(tmp_path / "edge.db")
    insert = "INSERT INTO charging_transaction (uuid, charge_point) VALUES (?, 'CP1')"
    first = connection.execute(insert, ("a",)).lastrowid
    connection.execute("DELETE FROM charging_transaction")
    second = connection.execute(insert, ("b",)).lastrowid
    connection.close()
    assert (first, second) == (1, 2)
