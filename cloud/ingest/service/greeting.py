"""The greeting: who is there, which epoch holds, and how far the cloud has come."""

from __future__ import annotations

from datetime import datetime

from cloud.db.database import Database, Unit
from cloud.errors import EpochError, ForbiddenError
from cloud.ingest import repository
from cloud.ingest.schemas import Position
from cloud.models.epochs import ReimagedHooks
from cloud.models.sites import EdgeRow
from contract.link import Cursor, Greeting, GreetingAnswer, StreamHead
from contract.streams import Stream

_ASK = "The edge keeps all it has. A person has to look: was its disk restored from a backup, or copied?"


def greet(database: Database, edge: str, greeting: Greeting, reimaged: ReimagedHooks, now: datetime) -> GreetingAnswer:
    """Answer a greeting; the cloud's cursors win. A store that is new here is granted an epoch of its own.

    Args:
        database: where everything is.
        edge: who was let in.
        greeting: what it says.
        reimaged: called when the store takes the place of an earlier one.
        now: the time.

    Raises:
        ForbiddenError: the greeting is another edge's.
        EpochError: the store was superseded, or its past is not the one that the cloud knows.
    """
    if greeting.edge != edge:
        raise ForbiddenError(
            "The greeting names another edge than its path.", hint="An edge speaks for its own site only."
        )
    with database.write() as unit:
        row = repository.lock_edge(unit, edge)
        if _settle_epoch(unit, row, greeting, now):
            for hook in reimaged:
                hook(unit, edge, now)
        positions = {stream: repository.position(unit, edge, row.epoch, stream) for stream in Stream}
        for stream, head in greeting.streams.items():
            require_same_past(stream, head, positions[stream])
        row.boot_id, row.software_version = greeting.boot_id, greeting.software_version
        row.greeted_at = row.last_heard_at = now
        return GreetingAnswer(
            incarnation=repository.incarnation(unit),
            epoch=row.epoch,
            server_time=now,
            streams={stream: Cursor(cursor=at.cursor, hash=at.hash.hex()) for stream, at in positions.items()},
        )


def _settle_epoch(unit: Unit, row: EdgeRow, greeting: Greeting, now: datetime) -> bool:
    """Let the store speak; returns whether it supersedes another one."""
    if row.store_id == greeting.store_id:
        return False
    if repository.epoch_of(unit, row.site_id, greeting.store_id) is not None:
        raise EpochError("This store was superseded by a newer one of the same edge.", hint=_ASK, epoch=row.epoch)
    supersedes = row.store_id is not None
    if supersedes:
        row.epoch += 1
    row.store_id = greeting.store_id
    repository.grant(unit, row.site_id, row.epoch, greeting.store_id, now)
    return supersedes


def require_same_past(stream: Stream, head: StreamHead, position: Position) -> None:
    """Return when what the edge holds of a stream can follow the cloud's cursor.

    Raises:
        EpochError: the edge is behind the cloud, or their hashes differ at the same number.
    """
    if head.head < position.cursor:
        message = f"The edge's {stream} stream ends at {head.head}, but the cloud has {position.cursor} events of it."
    elif head.head == position.cursor and head.hash.lower() != position.hash.hex():
        message = f"Edge and cloud have different events up to {head.head} of stream {stream}."
    else:
        return
    raise EpochError(message, hint=_ASK, stream=stream.value, cursor=position.cursor, hash=position.hash.hex())
