"""`POST /api/v1/edges/{edge}/greeting` and `…/events`; for operators `…/epochs` and `…/unlock`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from cloud.auth.dependencies import Edge, EdgeId, EdgeWithBody, Operator, require_signed_body
from cloud.clock import Now
from cloud.db.dependencies import TheDatabase
from cloud.ingest.lives import EdgeLives, Unlock
from cloud.ingest.service import settling
from cloud.ingest.service.body import decompress, read_batch, too_large
from cloud.ingest.service.greeting import greet
from cloud.ingest.service.pushing import push
from cloud.models.epochs import ReimagedHooks
from cloud.models.received import Appliers
from contract.batch import MAX_BATCH_BYTES
from contract.link import EVENTS_PATH, GREETING_PATH, Greeting, GreetingAnswer, PushAnswer

router = APIRouter(tags=["link"])


async def _body(request: Request, _edge: Edge) -> bytes:
    """The body as it came. The edge is known before a byte is read; what is too large is not read to its end."""
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BATCH_BYTES:
            raise too_large()
        parts.append(part)
    body = b"".join(parts)
    require_signed_body(request, body)
    return body


async def _appliers_of(request: Request) -> Appliers:
    appliers: Appliers = request.app.state.appliers
    return appliers


async def _reimaged_of(request: Request) -> ReimagedHooks:
    hooks: ReimagedHooks = request.app.state.reimaged
    return hooks


@router.post(GREETING_PATH)
def post_greeting(
    edge: EdgeWithBody,
    greeting: Greeting,
    database: TheDatabase,
    reimaged: Annotated[ReimagedHooks, Depends(_reimaged_of)],
    now: Now,
) -> GreetingAnswer:
    """Begin a connection: tell what the edge holds, learn how far the cloud has come."""
    return greet(database, edge, greeting, reimaged, now)


@router.post(EVENTS_PATH)
def post_events(
    edge: Edge,
    body: Annotated[bytes, Depends(_body)],
    request: Request,
    database: TheDatabase,
    appliers: Annotated[Appliers, Depends(_appliers_of)],
    now: Now,
) -> PushAnswer:
    """Send a batch of one stream (NDJSON, gzip if you like). The answer tells what is committed."""
    batch = read_batch(decompress(body, request.headers.get("content-encoding")))
    return push(database, edge, batch, appliers, now)


@router.get("/api/v1/edges/{edge}/epochs")
def get_epochs(edge: EdgeId, _operator: Operator, database: TheDatabase) -> EdgeLives:
    """Every epoch of an edge: when it was granted and why, and where it parts from the one before."""
    return settling.lives(database, edge)


@router.post("/api/v1/edges/{edge}/unlock")
def post_unlock(edge: EdgeId, choice: Unlock, operator: Operator, database: TheDatabase, now: Now) -> EdgeLives:
    """Choose which of two edges goes on; the other one is turned away from now on."""
    return settling.unlock(database, edge, choice.continues, operator, now)
