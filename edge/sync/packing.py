"""The body of a batch as it travels: compressed where that is worth it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from contract.streams import Stream

GZIP_ABOVE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch body (`contract.batch.encode_batch`), ready for any carrier."""

    content: bytes
    encoding: str | None
    """`gzip`; `None`: as it is."""
    stream: Stream | None = None
    """A hint for a busy cloud; `None`: none is given."""


def pack(batch: bytes, stream: Stream | None = None) -> Packed:
    """Compress a batch body. A large one takes tens of milliseconds: not on the event loop."""
    if len(batch) <= GZIP_ABOVE_BYTES:
        return Packed(batch, None, stream)
    return Packed(gzip.compress(batch, compresslevel=6, mtime=0), "gzip", stream)
