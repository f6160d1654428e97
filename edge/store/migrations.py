"""Brings a database to this release's schema, step by step. Release N runs on the schema of N + 1."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from sqlite_utils import Database, Migrations

from edge.errors import SchemaTooNewError, StoreError
from edge.store.database import connect
from edge.store.schema import (
    m0001_site,
    m0002_transactions,
    m0003_link,
    m0004_operations,
    m0005_security,
    m0006_intake,
    m0007_transactions,
    m0008_upkeep,
    m0009_liveness,
    m0010_frames,
    m0011_retention,
    m0012_pasts,
    m0013_set_aside,
    m0014_late_profiles,
    m0015_trusted_clock,
    m0016_digests,
    m0017_directory,
    m0018_growth,
    m0019_patience,
    m0020_passed_time,
    m0021_last_command,
)

_MODULES = (
    m0001_site,
    m0002_transactions,
    m0003_link,
    m0004_operations,
    m0005_security,
    m0006_intake,
    m0007_transactions,
    m0008_upkeep,
    m0009_liveness,
    m0010_frames,
    m0011_retention,
    m0012_pasts,
    m0013_set_aside,
    m0014_late_profiles,
    m0015_trusted_clock,
    m0016_digests,
    m0017_directory,
    m0018_growth,
    m0019_patience,
    m0020_passed_time,
    m0021_last_command,
)

STEPS = tuple(module.__name__.rpartition(".")[-1] for module in _MODULES)
"""In their order."""


_migrations = Migrations("gardu-edge")


def _step(module: ModuleType) -> Callable[[Database], None]:
    def apply(db: Database) -> None:
        _run(db, module.SCRIPT)
        if (fill := getattr(module, "fill", None)) is not None:
            fill(db.conn)

    return apply


for _module, _name in zip(_MODULES, STEPS, strict=True):
    _migrations(name=_name)(_step(_module))


def migrate(path: Path) -> list[str]:
    """Bring the database to this release's schema; creates it when missing.

    Returns:
        The names of the steps that were applied now.

    Raises:
        SchemaTooNewError: the file knows steps that this release does not.
        StoreError: the file cannot be opened or written.
    """
    connection = connect(path)
    try:
        db = Database(connection)
        _refuse_newer(db)
        steps = [step.name for step in _migrations.pending(db)]
        _migrations.apply(db)
    except sqlite3.Error as error:
        raise StoreError(f"The database {path} cannot be migrated: {error}", hint="Nothing was changed.") from error
    finally:
        connection.close()
    return steps


def pending(path: Path) -> list[str]:
    """Name the steps that `migrate` would apply."""
    connection = connect(path)
    try:
        return [step.name for step in _migrations.pending(Database(connection))]
    finally:
        connection.close()


def _refuse_newer(db: Database) -> None:
    known = set(STEPS)
    if newer := sorted(step.name for step in _migrations.applied(db) if step.name not in known):
        raise SchemaTooNewError(
            f"The database was written by a newer release of Gardu (it has the steps {', '.join(newer)}).",
            hint="Install that release again, or a newer one. The database was left untouched.",
        )


def _run(db: Database, script: str) -> None:
    """Execute statement by statement: `executescript` would commit the migration's transaction half-way."""
    for statement in script.split(";"):
        if statement.strip():
            db.conn.execute(statement)
