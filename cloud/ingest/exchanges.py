"""The greeting and the batches of the link, for carriers other than HTTP."""

from __future__ import annotations

from cloud.clock import Clock
from cloud.db.database import Database
from cloud.ingest.service.body import decompress, read_batch
from cloud.ingest.service.greeting import greet
from cloud.ingest.service.pushing import push
from cloud.models.epochs import ReimagedHooks
from cloud.models.received import Appliers
from contract.link import Greeting, GreetingAnswer, PushAnswer


def greeting(database: Database, clock: Clock, reimaged: ReimagedHooks, edge: str, body: bytes) -> GreetingAnswer:
    """Answer a greeting. Raises what `greet` raises, and pydantic's ValidationError."""
    return greet(database, edge, Greeting.model_validate_json(body), reimaged, clock())


def events(
    database: Database, clock: Clock, appliers: Appliers, edge: str, body: bytes, encoding: str | None
) -> PushAnswer:
    """Take a batch. Raises what `push`, `read_batch` and `decompress` raise."""
    return push(database, edge, read_batch(decompress(body, encoding)), appliers, clock())
