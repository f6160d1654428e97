"""Bring the database's schema to this release's, or tell that it is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from cloud.db.database import Database
from cloud.errors import SchemaError

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x6761726475  # "gardu": the PostgreSQL advisory lock that migrating processes queue at


def migrate(database: Database) -> str | None:
    """Apply the missing steps in one transaction. Harmless when repeated, and when several processes do it at once.

    Returns:
        The revision that was there before; `None` for an empty database.

    Raises:
        SchemaError: the database belongs to a newer release.
    """
    with _alone(database) as connection:
        before = _revision(connection)
        _refuse_unknown(before)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return before


def require_current(database: Database) -> None:
    """Return when the schema is this release's.

    Raises:
        SchemaError: it is older or newer.
    """
    with database.read() as unit:
        found = _revision(unit.connection())
    if found != head():
        _refuse_unknown(found)
        raise SchemaError(
            f"The database's schema is at {found or 'nothing'}, this release needs {head()}.",
            hint="Run: gardu-cloud migrate",
        )


@cache
def head() -> str:
    """The newest revision of this release."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:  # pragma: no cover - the package always carries its steps
        raise SchemaError("This installation carries no migrations.", hint="Install Gardu again.")
    return revision


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    with database.write() as unit:
        if not database.is_sqlite:  # SQLite's BEGIN IMMEDIATE is a lock already
            unit.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield unit.connection()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_unknown(revision: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise SchemaError(
            f"The database's schema ({revision}) belongs to a newer release.",
            hint="Start the newer release again; roll-back switches the code, never the database.",
        )
