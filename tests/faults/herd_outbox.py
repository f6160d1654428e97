"""What the edges of the herd hold: the same events, read once, sent by each under its own name."""

from __future__ import annotations

import gzip
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from contract.batch import BatchHeader, encode_batch
from contract.link import Greeting, StreamHead
from contract.streams import Stream
from edge.store import outbox
from edge.store.database import connect
from edge.store.outbox import StoredEvent
from edge.sync.link import Push


@dataclass(frozen=True)
class Envelopes:
    """The events of an outbox, and its heads."""

    events: dict[Stream, list[StoredEvent]]
    heads: dict[Stream, StreamHead]

    @classmethod
    def read(cls, database: Path) -> Envelopes:
        """Read all of it."""
        with closing(connect(database)) as connection:
            events = {
                stream: outbox.read_after(connection, stream, 0, limit=1_000_000, max_bytes=2**40) for stream in Stream
            }
            return cls(events, outbox.heads(connection))


class Outbox:
    """One edge's. The first batch of each stream is made beforehand.

    Args:
        envelopes: what is in it.
        site: whose it is.
        store: the database's identity.
    """

    def __init__(self, envelopes: Envelopes, site: str, store: str) -> None:
        self._envelopes = envelopes
        self._store = store
        self._made = {(stream, 0, len(events)): _body(site, stream, events, bytes(32))
                      for stream, events in envelopes.events.items() if events}  # fmt: skip

    def heads(self) -> dict[Stream, StreamHead]:
        """How far each stream goes."""
        return self._envelopes.heads

    def hash_at(self, stream: Stream, seq: int) -> bytes | None:
        """The rolling hash behind an event."""
        return bytes(32) if seq == 0 else self._envelopes.events[stream][seq - 1].hash

    def greeting(self, site: str) -> bytes:
        """The first words."""
        greeting = Greeting(
            edge=site,
            store_id=self._store,
            epoch=1,
            boot_id=f"boot-{site}",
            software_version="0.1.0",
            incarnation=None,
            streams=self.heads(),
            last_command_number=0,
            directory={},
        )
        return greeting.model_dump_json().encode()

    def batch(self, site: str, push: Push) -> bytes:
        """The body of a batch, compressed."""
        events = self._envelopes.events[push.stream][push.after : push.after + push.limit]
        if (made := self._made.get((push.stream, push.after, len(events)))) is not None:
            return made
        before = self.hash_at(push.stream, push.after)
        assert before is not None
        return _body(site, push.stream, events, before)


def _body(site: str, stream: Stream, events: list[StoredEvent], before: bytes) -> bytes:
    header = BatchHeader(
        edge=site, epoch=1, stream=stream, first=events[0].seq, last=events[-1].seq, hash_before=before.hex()
    )
    return gzip.compress(encode_batch(header, (one.event for one in events)), compresslevel=6, mtime=0)
