"""Puts batches together; while a backlog lasts, each while the one before it is under way."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from contract.batch import BatchHeader, encode_batch
from contract.streams import Stream
from edge.store import outbox
from edge.store.readers import Readers
from edge.sync.link import Prepare, Push
from edge.sync.packing import Packed, pack

HEADER_ROOM_BYTES = 1024
"""Of a batch's bytes, kept for its first line."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that can leave."""

    packed: Packed
    size: int
    """Bytes before compression."""
    events: int
    last: int
    """The number of its last event."""


@dataclass(frozen=True, slots=True)
class _Ahead:
    what: Prepare
    epoch: int
    batch: Batch


class Batches:
    """Reads batches from the outbox. Keeps at most one per stream ahead, compressed.

    What was put together ahead is the same past as what would be read later: rows keep their numbers and hashes. What
    was set aside or thinned since then goes up as it was, as it does when a batch is under way.

    Args:
        edge: our name.
        readers: read the outbox beside the writer, and compress in their threads.
        own_hash: our rolling hash behind an event of a stream; `None`: it is not known.
    """

    def __init__(
        self, *, edge: str, readers: Readers, own_hash: Callable[[sqlite3.Connection, Stream, int], bytes | None]
    ) -> None:
        self._edge = edge
        self._readers = readers
        self._own_hash = own_hash
        self._ahead: dict[Stream, _Ahead] = {}
        self._turns = {stream: asyncio.Lock() for stream in Stream}
        """A batch that is being prepared is waited for by its push."""

    async def get(self, push: Push, epoch: int) -> Batch | None:
        """Give the batch of a push; `None` when the outbox has a gap there."""
        async with self._turns[push.stream]:
            ahead = self._ahead.pop(push.stream, None)
            if ahead is not None and ahead.what.is_for(push) and ahead.epoch == epoch:
                return ahead.batch
            return await self._readers.run(lambda connection: self._read(connection, push, epoch))

    async def prepare(self, what: Prepare, epoch: int) -> None:
        """Put a batch together ahead."""
        async with self._turns[what.stream]:
            batch = await self._readers.run(lambda connection: self._read(connection, what, epoch))
            if batch is not None:
                self._ahead[what.stream] = _Ahead(what, epoch, batch)

    def forget(self, *streams: Stream) -> None:
        """Let go of what was put together ahead: it will not follow, or not so."""
        for stream in streams:
            self._ahead.pop(stream, None)

    def _read(self, connection: sqlite3.Connection, what: Push | Prepare, epoch: int) -> Batch | None:
        """Put a batch together in one snapshot."""
        room = what.max_bytes - HEADER_ROOM_BYTES
        events = outbox.read_after(connection, what.stream, what.after, limit=what.limit, max_bytes=room)
        before = self._own_hash(connection, what.stream, what.after)
        if before is None or not events:
            return None
        header = BatchHeader(
            edge=self._edge,
            epoch=epoch,
            stream=what.stream,
            first=what.after + 1,
            last=events[-1].seq,
            hash_before=before.hex(),
        )
        body = encode_batch(header, (event.event for event in events))
        return Batch(pack(body, what.stream), len(body), len(events), header.last)
