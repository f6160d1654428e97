"""`POST /api/v1/enrolments` for edges, and what operators do about tokens, keys and revocation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import TypeAdapter, ValidationError

from cloud.auth.dependencies import EdgeWithBody, Operator
from cloud.auth.throttle import Throttle
from cloud.clock import Now
from cloud.db.dependencies import TheDatabase
from cloud.db.paging import DEFAULT_LIMIT, After, Limit, decode_key
from cloud.enrolment.schemas import (
    AccessEvent,
    EdgeKey,
    EdgeRevoked,
    EnrolmentToken,
    NewEnrolmentToken,
    Revocation,
)
from cloud.enrolment.service import enrolling, governing
from cloud.errors import BodyTooLargeError, ClockSkewError, TooManyRequestsError, UnauthenticatedError
from contract.enrolment import (
    ENROLMENTS_PATH,
    KEYS_PATH,
    EnrolmentAnswer,
    EnrolmentRequest,
    NewKeyAnswer,
    NewKeyRequest,
)
from contract.resources import Page

MOST_BYTES = 16 * 1024
_KEY = TypeAdapter(tuple[UUID])
_proof = HTTPBearer(
    auto_error=False, scheme_name="enrolment", description="A token signed with the key to be enrolled."
)

router = APIRouter(tags=["enrolment"])


def _throttled(request: Request) -> Iterator[None]:
    """Whoever guesses tokens is slowed down; good requests, and those with a wrong clock, cost nothing."""
    throttle: Throttle = request.app.state.throttle
    address = request.client.host if request.client else "?"
    wait_s = throttle.take(address, time.monotonic())
    if wait_s:
        raise TooManyRequestsError(
            "Too many attempts to enrol came from this address.",
            hint="Wait, and check the token.",
            retry_after_s=int(wait_s) + 1,
        )
    try:
        yield
    except ClockSkewError:
        throttle.give_back(address, time.monotonic())
        raise
    else:
        throttle.give_back(address, time.monotonic())


async def _body(request: Request, _throttled: Annotated[None, Depends(_throttled)]) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise BodyTooLargeError(
                "The body is larger than an enrolment can be.", hint=f"Send at most {MOST_BYTES} bytes."
            )
    return body


def _asked(body: Annotated[bytes, Depends(_body)]) -> EnrolmentRequest:
    try:
        return EnrolmentRequest.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False, include_context=False)) from error


@router.post(
    ENROLMENTS_PATH,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": EnrolmentRequest.model_json_schema()}},
        }
    },
)
def post_enrolment(
    request: Request,
    asked: Annotated[EnrolmentRequest, Depends(_asked)],
    body: Annotated[bytes, Depends(_body)],
    proof: Annotated[HTTPAuthorizationCredentials | None, Depends(_proof)],
    database: TheDatabase,
    now: Now,
) -> EnrolmentAnswer:
    """Become known with a one-time token. The same request again gets the same answer."""
    if proof is None:
        raise UnauthenticatedError(
            "The request is not signed with the key that it names.", hint="Use: gardu-edge enrol"
        )
    with_broker: bool = request.app.state.consumer is not None
    return enrolling.enrol(database, asked, proof.credentials, body, now, with_broker=with_broker)


@router.post(KEYS_PATH)
def post_key(
    request: Request, edge: EdgeWithBody, asked: NewKeyRequest, database: TheDatabase, now: Now
) -> NewKeyAnswer:
    """Register the key that will sign from now on. The one before ends when the new one is used for the first time."""
    return enrolling.register_key(database, edge, asked.public_key, request.state.key_id, now)


@router.get(KEYS_PATH)
def get_keys(_operator: Operator, database: TheDatabase, edge: str) -> list[EdgeKey]:
    """All keys that an edge ever had, newest first."""
    return governing.keys(database, edge)


@router.post("/api/v1/edges/{edge}/revocation")
def post_revocation(operator: Operator, edge: str, asked: Revocation, database: TheDatabase, now: Now) -> EdgeRevoked:
    """Shut an edge out. It goes on charging; only an enrolment with a new token lets it in again."""
    return governing.revoke_edge(database, edge, asked.reason, operator, now)


@router.post("/api/v1/sites/{site}/enrolment-tokens", status_code=status.HTTP_201_CREATED)
def post_token(operator: Operator, site: str, database: TheDatabase, now: Now) -> NewEnrolmentToken:
    """Make a token with which the site's edge can become known, once and within a day."""
    return governing.issue_token(database, site, operator, now)


@router.get("/api/v1/sites/{site}/enrolment-tokens")
def get_tokens(_operator: Operator, site: str, database: TheDatabase) -> list[EnrolmentToken]:
    """The tokens of a site, newest first."""
    return governing.tokens(database, site)


@router.delete("/api/v1/sites/{site}/enrolment-tokens/{token}", status_code=status.HTTP_204_NO_CONTENT)
def delete_token(operator: Operator, site: str, token: str, database: TheDatabase, now: Now) -> None:
    """End a token. Harmless when repeated."""
    governing.revoke_token(database, site, token, operator, now)


@router.get("/api/v1/sites/{site}/access-log")
def get_access_log(
    _operator: Operator, site: str, database: TheDatabase, cursor: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[AccessEvent]:
    """What changed who may speak for a site, newest first."""
    key = decode_key(cursor, _KEY)
    return governing.access_log(database, site, key[0] if key else None, limit)
