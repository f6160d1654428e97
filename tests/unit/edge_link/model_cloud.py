"""The smallest cloud that keeps the contract: one cursor and one chain per stream, in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from contract.batch import GENESIS, MAX_BATCH_BYTES, decode_batch, next_hash
from contract.events import Skipped
from contract.link import Cursor, GreetingAnswer, PushAnswer
from contract.streams import Stream
from edge.sync.carrier import Conflict, EventRefused, PushOutcome, TooLarge

POISON = "Poison.v1"


@dataclass(frozen=True)
class Committed:
    event: bytes
    hash: bytes


@dataclass
class ModelCloud:
    incarnation: UUID = field(default_factory=uuid4)
    epoch: int = 1
    streams: dict[Stream, list[Committed]] = field(default_factory=lambda: {stream: [] for stream in Stream})
    most_ever: dict[Stream, int] = field(default_factory=lambda: dict.fromkeys(Stream, 0))
    most_bytes: int = 10**9
    told_bytes: int = MAX_BATCH_BYTES
    """What its greeting says that it takes; a proxy in front may take less."""

    def cursor(self, stream: Stream) -> Cursor:
        rows = self.streams[stream]
        return Cursor(cursor=len(rows), hash=(rows[-1].hash if rows else GENESIS).hex())

    def greet(self) -> GreetingAnswer:
        return GreetingAnswer(
            incarnation=self.incarnation,
            epoch=self.epoch,
            server_time=datetime(2026, 11, 1, tzinfo=UTC),
            streams={stream: self.cursor(stream) for stream in Stream},
            max_batch_bytes=self.told_bytes,
        )

    def push(self, body: bytes) -> PushOutcome:
        """All or nothing, as one database transaction would."""
        if len(body) > self.most_bytes:
            return TooLarge("too large")
        header, events = decode_batch(body)
        rows = self.streams[header.stream]
        before = header.first - 1
        if before > len(rows) or header.hash_before != (rows[before - 1].hash if before else GENESIS).hex():
            return Conflict("does not continue")
        for seq, event in enumerate(events, start=header.first):
            if seq > len(rows) and json.loads(event)["type"] == POISON:
                return EventRefused(seq, "poison")
        for seq, event in enumerate(events, start=header.first):
            if seq > len(rows):
                rows.append(Committed(event, _hash_after(rows, event)))
        self.most_ever[header.stream] = max(self.most_ever[header.stream], len(rows))
        told = self.cursor(header.stream)
        return PushAnswer(cursor=told.cursor, hash=told.hash)

    def restore(self, kept: dict[Stream, int]) -> None:
        """Go back to an earlier backup."""
        self.incarnation = uuid4()
        for stream, count in kept.items():
            del self.streams[stream][count:]


def _hash_after(rows: list[Committed], event: bytes) -> bytes:
    document = json.loads(event)
    if document["type"] == Skipped.TYPE:
        return bytes.fromhex(document["data"]["hash_after"])
    return next_hash(rows[-1].hash if rows else GENESIS, event)
