"""Does a batch continue the cloud's own chain, and which of its events are new? No I/O.

Duplicates are normal: an answer was lost, and the edge sends again. They are skipped, but not believed blindly: where
a batch overlaps with what is committed, its own hash at the cursor must be the cloud's.
"""

from __future__ import annotations

from typing import NamedTuple

from cloud.errors import ChainError
from cloud.ingest.schemas import Batch, Line, Position


class Followed(NamedTuple):
    """What a batch brings beyond the cursor."""

    fresh: list[Line]
    """The events above the cursor."""
    after: Position
    """Behind them; where it was before, when all were duplicates."""
    hashes: list[bytes]
    """The rolling hash behind each of `fresh`."""


def follow(position: Position, batch: Batch) -> Followed:
    """Walk along a batch from where it claims to begin.

    A `Skipped` may begin at or below the cursor and end above it: the edge thinned what it had not seen acknowledged.
    Then there is nothing to compare at the cursor itself, and the range is taken as it is.

    Raises:
        ChainError: there is a hole before or within the batch, it ends elsewhere than it says, or its past is another.
    """
    cursor, chained = batch.before.cursor, batch.before.hash
    known, fresh, hashes = position.cursor, list[Line](), list[bytes]()
    if cursor > known:
        raise _broken(position, f"The batch begins at {cursor + 1}, behind a hole.")
    _compare(position, cursor, chained)
    for line in batch.lines:
        if not line.first <= cursor + 1 <= line.last:
            raise _broken(position, f"Event {line.first} follows {cursor} within the batch.")
        cursor, chained = line.last, line.hash_after(chained)
        if cursor > known:
            fresh.append(line)
            hashes.append(chained)
        else:
            _compare(position, cursor, chained)
    if cursor != batch.header.last:
        raise _broken(position, f"The batch ends at {cursor}, but says {batch.header.last}.")
    return Followed(fresh, Position(cursor, chained) if fresh else position, hashes)


def _compare(position: Position, cursor: int, chained: bytes) -> None:
    if cursor == position.cursor and chained != position.hash:
        raise _broken(position, f"The batch has another past than the cloud at {position.cursor}.")


def _broken(position: Position, message: str) -> ChainError:
    return ChainError(message, cursor=position.cursor, chain_hash=position.hash.hex())
