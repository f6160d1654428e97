"""The envelope of an event, the batch that carries events up, and the rolling hash that lets both sides compare pasts.

A batch body is NDJSON: the header on the first line, then one event per line, byte for byte as the edge stored it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from pydantic import NonNegativeInt, PositiveInt

from contract.model import Record, UtcDatetime
from contract.streams import Stream

GENESIS = bytes(32)
"""The hash before event 1 of any stream."""

CHECKPOINT_EVERY = 1_000
"""Both sides remember the rolling hash behind each event whose number this divides, for as long as they exist."""

MAX_BATCH_EVENTS = 5_000
MAX_BATCH_BYTES = 4 * 1024 * 1024
"""Of the NDJSON body, before compression."""


class Envelope(Record):
    """One event as it is stored in the outbox and sent."""

    id: UUID
    """UUIDv7, made when the event was recorded."""
    seq: PositiveInt
    type: str
    """Name and version, for example `TransactionStarted.v1`."""
    occurred_at: UtcDatetime
    """The charge point's time where it gave one."""
    recorded_at: UtcDatetime
    clock_synced: bool
    """Whether the edge trusted its own clock then."""
    boot_id: str
    """The machine's boot; together with `monotonic_ms` it orders events whatever the clock said."""
    monotonic_ms: NonNegativeInt
    subject: str
    """`charge-point/<identity>`, `command/<uuid>`, `id-tag/<id tag>` or `edge`."""
    data: dict[str, Any]


class BatchHeader(Record):
    """The first line of a batch."""

    edge: str
    epoch: PositiveInt
    stream: Stream
    first: PositiveInt
    last: PositiveInt
    hash_before: str
    """Hex: the rolling hash before event `first`."""


def next_hash(previous: bytes, event: bytes) -> bytes:
    """The rolling hash after `event`: SHA-256 over the previous hash and the stored bytes."""
    return hashlib.sha256(previous + event).digest()


def encode_batch(header: BatchHeader, events: Iterable[bytes]) -> bytes:
    """Join header and stored events into a batch body."""
    return b"\n".join((header.model_dump_json().encode(), *events))


def decode_batch(body: bytes) -> tuple[BatchHeader, list[bytes]]:
    """Split a batch body into its header and the events' bytes.

    Raises:
        pydantic.ValidationError: the first line is not a batch header.
    """
    header, *events = body.split(b"\n")
    return BatchHeader.model_validate_json(header), events
