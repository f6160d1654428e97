"""Who asks, as an endpoint parameter."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cloud.auth import edges, service
from cloud.auth.signatures import Asked, require_body
from cloud.clock import Now
from cloud.db.dependencies import TheDatabase
from cloud.errors import UnauthenticatedError

_operator_door = HTTPBearer(auto_error=False, scheme_name="operator", description="An API key.")
_edge_door = HTTPBearer(
    auto_error=False, scheme_name="edge", description="A token that the edge signed for this request, or its secret."
)

EdgeId = Annotated[str, Path(description="The edge's id; it is its site's.")]


def _operator(
    database: TheDatabase, shown: Annotated[HTTPAuthorizationCredentials | None, Security(_operator_door)]
) -> str:
    if shown is None:
        raise UnauthenticatedError("This needs an API key.", hint="Send it as: Authorization: Bearer KEY")
    return service.recognise_operator(database, shown.credentials)


def _target_of(request: Request) -> str:
    """What the edge has signed as the target: path and query."""
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def _edge(
    request: Request,
    database: TheDatabase,
    now: Now,
    edge: EdgeId,
    shown: Annotated[HTTPAuthorizationCredentials | None, Security(_edge_door)],
) -> str:
    if shown is None:
        raise UnauthenticatedError("This needs an edge's signature.", hint="Enrol this edge: gardu-edge enrol")
    proof = edges.recognise(database, shown.credentials, Asked(edge, request.method, _target_of(request)), now)
    request.state.body_hash, request.state.key_id = proof.body_hash, proof.key_id
    return edge


async def _edge_with_body(request: Request, edge: Annotated[str, Depends(_edge)]) -> str:
    require_signed_body(request, await request.body())
    return edge


def require_signed_body(request: Request, body: bytes) -> None:
    """Return when the body of an edge's request is the one that it signed, if it signed.

    Raises:
        ForbiddenError: it is another one.
    """
    if request.state.body_hash is not None:
        require_body(request.state.body_hash, body)


Operator = Annotated[str, Depends(_operator)]
"""An endpoint parameter: the name of the operator's key. The request is refused without one."""

EdgeWithBody = Annotated[str, Depends(_edge_with_body)]
"""The same, for requests whose body FastAPI reads."""

Edge = Annotated[str, Depends(_edge)]
"""An endpoint parameter: the edge whose path this is. The request is refused unless it is the edge that speaks."""
