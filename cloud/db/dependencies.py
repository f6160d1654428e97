"""The database as an endpoint parameter."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from cloud.db.database import Database


async def database_of(request: Request) -> Database:
    """The database that the application was built with."""
    database: Database = request.app.state.database
    return database


TheDatabase = Annotated[Database, Depends(database_of)]
"""An endpoint parameter."""
