"""The engine and the unit of work: one transaction, SQLite or PostgreSQL, and the hints that follow its commit."""

from __future__ import annotations

import select
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.orm import Session
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from cloud.db.bell import Bell
from cloud.db.types import to_json
from cloud.errors import ConfigurationError, DatabaseUnavailableError

POOL_SIZE = 40
"""As many connections as FastAPI has worker threads, so that no thread waits for a connection."""

CHANNEL = "gardu_bell"
"""Where replicas on one PostgreSQL tell each other whom to wake: `<name of the bell> <key>`."""

_SQLITE_BUSY_S = 30
_WRITES = "gardu_writes"
_CONNECT_TIMEOUT_S = 10
_OUR_FAULT = ("08", "25", "40", "53", "55", "57", "58", "XX")
"""SQLSTATE classes that say nothing about the statement's data: connection, deadlock, disk, shutdown, corruption."""


class Unit(Session):
    """A unit of work: everything in it is committed together or not at all."""

    def ring_after_commit(self, key: str) -> None:
        """Wake who waits for `key`, once this is committed; never when it is rolled back."""
        self.info.setdefault("keys", set()).add(key)


class Database:
    """One database, seen by many threads."""

    def __init__(self, url: str, bell: Bell | None = None) -> None:
        self.engine = _engine(url)
        self.bell = bell or Bell()
        self._write_engine = self.engine.execution_options(**{_WRITES: True})
        self._read_engine = self._snapshot_engine = self.engine
        if not self.is_sqlite:  # there every reading transaction is of one instant, and costs nothing
            self._read_engine = self.engine.execution_options(isolation_level="AUTOCOMMIT")
            self._snapshot_engine = self.engine.execution_options(isolation_level="REPEATABLE READ")
        # SQLite knows one writer. Its own waiting is a lottery, so the threads of this process queue here first.
        self._writer: AbstractContextManager[Any] = threading.Lock() if self.is_sqlite else nullcontext()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded default."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self, *, of_one_instant: bool = False) -> Iterator[Unit]:
        """A unit of work that only reads.

        Args:
            of_one_instant: all its questions see the database as it was at the first one, and long answers may be
                streamed. Otherwise PostgreSQL answers each one by itself, without the round trips of a transaction.
        """
        engine = self._snapshot_engine if of_one_instant else self._read_engine
        with _outages(), Unit(engine, expire_on_commit=False) as unit:
            yield unit

    @contextmanager
    def write(self) -> Iterator[Unit]:
        """A unit of work that is committed when the block ends well, and rolled back otherwise."""
        with _outages():
            with self._writer, Unit(self._write_engine, expire_on_commit=False) as unit, unit.begin():
                yield unit
                self._tell_others(unit)
            self.bell.ring(unit.info.get("keys", ()))

    def _tell_others(self, unit: Unit) -> None:
        """Let the other replicas hear what this unit rings. The server passes it on when it commits, and only then."""
        keys = unit.info.get("keys")
        if keys and not self.is_sqlite:
            unit.flush()
            unit.execute(
                text("SELECT pg_notify(:channel, told) FROM unnest(CAST(:told AS text[])) told"),
                {"channel": CHANNEL, "told": [f"{self.bell.name} {key}" for key in sorted(keys)]},
            )

    def ping(self) -> None:
        """Return when the database answers.

        Raises:
            DatabaseUnavailableError: it does not.
        """
        with self.read() as unit:
            unit.execute(text("SELECT 1"))

    def wait_until_up(self, patience_s: float, tell: Callable[[str], None]) -> None:
        """Wait for a database that starts at the same time as we do.

        Args:
            patience_s: how long.
            tell: gets a line before each wait.

        Raises:
            DatabaseUnavailableError: it still does not answer.
        """
        Retrying(
            retry=retry_if_exception_type(DatabaseUnavailableError),
            wait=wait_random_exponential(multiplier=0.5, max=5.0),
            stop=stop_after_delay(patience_s),
            before_sleep=lambda state: tell(
                f"The database does not answer yet; try {state.attempt_number + 1} follows."
            ),
            reraise=True,
        )(self.ping)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def is_outage(error: SQLAlchemyError) -> bool:
    """Whether the database itself is in trouble, rather than the data that it was given."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state.startswith(_OUR_FAULT)
    return isinstance(error, OperationalError)


def hide_values(error: BaseException) -> None:
    """Keep the first line of what a database says: PostgreSQL repeats the row below it, in DETAIL and CONTEXT."""
    if error.args and isinstance(error.args[0], str):
        error.args = (error.args[0].partition("\n")[0], *error.args[1:])


@contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        if is_outage(error):
            cause = str(getattr(error, "orig", error)).strip().splitlines()
            raise DatabaseUnavailableError(
                f"The database does not answer: {cause[0] if cause else type(error).__name__}",
                hint="Nothing was changed. Try again; when it lasts, look at the database server and its disk.",
            ) from error
        raise


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(
            "The database URL cannot be read.",
            hint="Write sqlite:///./gardu-cloud.db or postgresql://user:password@host/database.",
        ) from error
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(str(url), parsed.database)
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=POOL_SIZE,
        skip_autocommit_rollback=True,
        hide_parameters=True,
        json_serializer=to_json,
        json_deserializer=orjson.loads,
        connect_args={"connect_timeout": _CONNECT_TIMEOUT_S, "options": "-c timezone=UTC"},
    )
    event.listen(engine, "handle_error", _hide_values)
    event.listen(engine, "checkout", _require_alive)
    return engine


def _require_alive(connection: Any, _record: object, _fairy: object) -> None:  # noqa: ANN401 - the driver's connection
    """Let the pool make a new connection for one that the server has left. Asking the server costs a round trip.

    A connection at rest has nothing to read but the server's last word, or the end.
    """
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    if look.poll(0):
        raise DisconnectionError("The server has closed this connection.")


def _sqlite(url: str, file: str | None) -> Engine:
    if file and file != ":memory:" and Path(file).parent.is_dir():
        Path(file).touch(mode=0o600)  # SQLite would let everybody read it, and gives its other files the same mode
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        hide_parameters=True,
        json_serializer=to_json,
        json_deserializer=orjson.loads,
        connect_args={"timeout": _SQLITE_BUSY_S, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _hide_values(context: ExceptionContext) -> None:
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None:
            hide_values(error)


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours: the driver would begin too late, and not IMMEDIATE
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A writer that began as a reader could only fail when both want to write, so it says at once what it is.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
