"""Who asks, as an endpoint parameter."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cloud.auth import service
from cloud.clock import Now
from cloud.db.dependencies import TheDatabase
from cloud.errors import UnauthenticatedError

_operator_door = HTTPBearer(auto_error=False, scheme_name="operator", description="An API key.")
_edge_door = HTTPBearer(auto_error=False, scheme_name="edge", description="An edge's secret.")

EdgeId = Annotated[str, Path(description="The edge's id; it is its site's.")]


def _operator(
    database: TheDatabase, shown: Annotated[HTTPAuthorizationCredentials | None, Security(_operator_door)]
) -> str:
    if shown is None:
        raise UnauthenticatedError("This needs an API key.", hint="Send it as: Authorization: Bearer KEY")
    return service.recognise_operator(database, shown.credentials)


def _edge(
    database: TheDatabase,
    now: Now,
    edge: EdgeId,
    shown: Annotated[HTTPAuthorizationCredentials | None, Security(_edge_door)],
) -> str:
    if shown is None:
        raise UnauthenticatedError("This needs the edge's secret.", hint="Send it as: Authorization: Bearer SECRET")
    service.recognise_edge(database, edge, shown.credentials, now)
    return edge


Operator = Annotated[str, Depends(_operator)]
"""An endpoint parameter: the name of the operator's key. The request is refused without one."""

Edge = Annotated[str, Depends(_edge)]
"""An endpoint parameter: the edge whose path this is. The request is refused unless it is the edge that speaks."""
