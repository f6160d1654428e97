"""Frames of the journal, packed many to a block: frames are much alike, so that forty of them take the room of one."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

import orjson

FASTEST = 1
"""zlib's level: half a microsecond per frame, less than it costs to write what it saves."""

MOST_FRAMES = 4096
"""In one block; with its number they make the number of a frame."""

_HEAD = re.compile(rb'\s*\[\s*([234])\s*,\s*(?:"([^"\\]{0,255})"|([0-9.]{1,30}))(?:\s*,\s*"([A-Za-z]{1,64})")?')
_CALL = b"2"


class Direction(IntEnum):
    """Which way a frame went."""

    RECEIVED = 0
    """From the charge point."""
    SENT = 1
    """To it."""
    GAP = 2
    """No frame: so many were not recorded, since the disk could not follow."""


Entry = tuple[datetime, str, Direction, bytes, str | None]
"""Time, charge point, direction, frame, and the action that it belongs to; a gap's frame is its number."""


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One frame."""

    id: int
    at: datetime
    charge_point: str
    direction: Direction
    action: str | None
    """Of an answer: that of its call. `None`: not known."""
    message_id: str | None
    frame: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it lies on the disk."""

    first_at: int
    last_at: int
    """Milliseconds since 1970, of its oldest and its newest frame."""
    charge_points: str
    """JSON list."""
    heads: bytes
    """Compressed JSON: what is known of each frame, column by column."""
    frames: bytes
    """Compressed: one after the other."""


def pack(entries: Sequence[Entry]) -> Block:
    """Make a block of at least one and at most `MOST_FRAMES` entries.

    It is done column by column: a loop over the frames would cost more than compressing them.
    """
    times, charge_points, directions, frames, actions = zip(*entries, strict=True)
    at = [milliseconds(time) for time in times]
    heads = orjson.dumps([at, charge_points, directions, actions, [*map(len, frames)]])
    return Block(
        first_at=min(at),
        last_at=max(at),
        charge_points=orjson.dumps([*set(charge_points)]).decode(),
        heads=zlib.compress(heads, FASTEST),
        frames=zlib.compress(b"".join(frames), FASTEST),
    )


def unpack(number: int, heads: bytes, frames: bytes) -> Iterator[RecordedFrame]:
    """Read the frames of block `number`, in their order.

    Args:
        number: the block's.
        heads: as `Block` has them.
        frames: the same, decompressed.
    """
    start = 0
    columns = zip(*orjson.loads(zlib.decompress(heads)), strict=True)
    for place, (at, charge_point, direction, action, size) in enumerate(columns, number * MOST_FRAMES):
        frame = frames[start : start + size]
        start += size
        message_id, called = head(frame) if direction != Direction.GAP else (None, None)
        yield RecordedFrame(place, instant(at), charge_point, Direction(direction), action or called, message_id, frame)


def head(frame: bytes) -> tuple[str | None, str | None]:
    """Read the message id of a frame, and a CALL's action."""
    found = _HEAD.match(frame)
    if found is None:
        return None, None
    kind, message_id, number, action = found.groups()
    text = (message_id if message_id is not None else number).decode(errors="replace")
    return text, action.decode() if kind == _CALL and action is not None else None


def milliseconds(at: datetime) -> int:
    """Write an instant as the journal keeps it."""
    return int(at.timestamp() * 1000 + 0.5)


def instant(at: int) -> datetime:
    """Read an instant as the journal keeps it."""
    return datetime.fromtimestamp(at / 1000, UTC)
