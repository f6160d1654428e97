"""Many rows at once: COPY on PostgreSQL, one prepared INSERT on SQLite; both within the unit's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Json
from sqlalchemy import JSON, BigInteger, Boolean, Connection, LargeBinary, Text, Uuid, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from sqlalchemy.types import TypeEngine

from cloud.db.database import Unit, hide_values
from cloud.db.types import UtcDateTime, to_json

Row = tuple[Any, ...]
Columns = tuple[InstrumentedAttribute[Any], ...]

_POSTGRESQL: dict[type[TypeEngine[Any]], str] = {
    Text: "text",
    BigInteger: "int8",
    Boolean: "bool",
    LargeBinary: "bytea",
    Uuid: "uuid",
    UtcDateTime: "timestamptz",
    JSON: "json",
}
"""The types of our columns, by PostgreSQL's own names."""

_AS_JSON: Callable[[Any], Json] = partial(Json, dumps=to_json)


def copy_rows(unit: Unit, table: type[DeclarativeBase], columns: Columns, rows: Sequence[Row]) -> None:
    """Write rows. What was added to the unit before is written first.

    Args:
        unit: the transaction.
        table: whose rows they are.
        columns: what each row holds, in its order.
        rows: no defaults are filled in.

    Raises:
        SQLAlchemyError: the database refuses one of them, or is away; none of them is written.
        OverflowError, ValueError, TypeError: one cannot be written in its column's type; none of them is.
    """
    if not rows:
        return
    unit.flush()
    connection = unit.connection()
    if connection.dialect.name == "sqlite":
        names = [column.key for column in columns]
        connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
    else:
        _copy(connection, table.__tablename__, columns, rows)


def _copy(connection: Connection, table: str, columns: Columns, rows: Sequence[Row]) -> None:
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    statement, types, as_json = _plan(table, columns)
    try:
        with driver.cursor().copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(_with_json(row, as_json))
    except psycopg.Error as error:
        hide_values(error)
        raise _told_as_usual(connection, error, statement.as_string(driver)) from error


def _with_json(row: Row, places: Sequence[int]) -> Row:
    for place in places:
        row = (*row[:place], _AS_JSON(row[place]), *row[place + 1 :])
    return row


@cache
def _plan(table: str, columns: Columns) -> tuple[sql.Composed, list[str], list[int]]:
    names = sql.SQL(", ").join(sql.Identifier(column.key) for column in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), names)
    types = [_POSTGRESQL[type(column.type)] for column in columns]
    return statement, types, [place for place, kind in enumerate(types) if kind == "json"]


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
