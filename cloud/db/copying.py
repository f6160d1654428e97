"""Many rows at once: COPY on PostgreSQL, one prepared INSERT on SQLite; both within the unit's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
import psycopg
from psycopg import sql
from sqlalchemy import JSON, BigInteger, Boolean, Connection, LargeBinary, Text, Uuid, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from sqlalchemy.types import TypeEngine

from cloud.db.database import Unit, hide_values
from cloud.db.types import UtcDateTime

Row = tuple[Any, ...]
Columns = tuple[InstrumentedAttribute[Any], ...]

_POSTGRESQL: dict[type[TypeEngine[Any]], str] = {
    Text: "text",
    BigInteger: "int8",
    Boolean: "bool",
    LargeBinary: "bytea",
    Uuid: "uuid",
    UtcDateTime: "timestamptz",
    JSON: "bytea",
}
"""What is sent for the types of our columns, by PostgreSQL's own names. Binary `json` is its text, byte for byte."""


def copy_rows(unit: Unit, table: type[DeclarativeBase], columns: Columns, rows: Sequence[Row]) -> None:
    """Write rows. What was added to the unit before is written first.

    Args:
        unit: the transaction.
        table: whose rows they are.
        columns: what each row holds, in its order.
        rows: no defaults are filled in. JSON is given as it is to be stored, in bytes.

    Raises:
        SQLAlchemyError: the database refuses one of them, or is away; none of them is written.
        OverflowError, ValueError, TypeError: one cannot be written in its column's type; none of them is.
    """
    if not rows:
        return
    unit.flush()
    connection = unit.connection()
    if connection.dialect.name == "sqlite":
        connection.execute(insert(table), [_with_fragments(columns, row) for row in rows])
    else:
        _copy(connection, table.__tablename__, columns, rows)


def _copy(connection: Connection, table: str, columns: Columns, rows: Sequence[Row]) -> None:
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    statement, types = _plan(table, columns)
    try:
        with driver.cursor().copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        hide_values(error)
        raise _told_as_usual(connection, error, statement.as_string(driver)) from error


def _with_fragments(columns: Columns, row: Row) -> dict[str, Any]:
    return {
        column.key: orjson.Fragment(value) if isinstance(column.type, JSON) else value
        for column, value in zip(columns, row, strict=True)
    }


@cache
def _plan(table: str, columns: Columns) -> tuple[sql.Composed, list[str]]:
    names = sql.SQL(", ").join(sql.Identifier(column.key) for column in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), names)
    return statement, [_POSTGRESQL[type(column.type)] for column in columns]


def _told_as_usual(connection: Connection, error: psycopg.Error, statement: str) -> Exception:
    """The error as SQLAlchemy would have raised it: an outage must not look like bad data."""
    lost = connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, None)  # type: ignore[arg-type]
    told = DBAPIError.instance(
        statement,
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=connection.dialect,
    )
    assert isinstance(told, Exception)  # noqa: S101 - the driver's error makes no other
    return told
