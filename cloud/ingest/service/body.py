"""From the bytes of a request to a batch: limits, compression, lines. No I/O."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from cloud.errors import BatchTooLargeError, UnreadableBatchError
from cloud.ingest.schemas import Batch, Line, Position
from cloud.models.sampled import read_meter_event
from contract.batch import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, BatchHeader, Envelope, decode_batch
from contract.events import KeptMeterValues, Skipped
from contract.streams import Stream

_GZIP = 16 + zlib.MAX_WBITS
_HASH_BYTES = 32
_HIGHEST_NUMBER = 2**62
_SEND_AGAIN = "Send it again; nothing of it was stored."


def decompress(body: bytes, encoding: str | None, limit: int = MAX_BATCH_BYTES) -> bytes:
    """Undo the Content-Encoding, but never make more than `limit` bytes of it.

    Raises:
        BatchTooLargeError: it is, or would become, larger.
        UnreadableBatchError: it is broken, or the encoding is not known.
    """
    match (encoding or "identity").strip().lower():
        case "identity":
            plain = body
        case "gzip" | "x-gzip":
            plain = _gunzip(body, limit)
        case other:
            raise UnreadableBatchError(f"Content-Encoding {other} is not known.", hint="Use gzip, or none.")
    if len(plain) > limit:
        raise too_large(limit)
    return plain


def too_large(limit: int = MAX_BATCH_BYTES) -> BatchTooLargeError:
    """The refusal of a body above `limit` bytes."""
    return BatchTooLargeError(f"A batch may have {limit} bytes.", hint="Send half of it.", max_batch_bytes=limit)


def _gunzip(body: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj(_GZIP)
    try:
        plain = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise UnreadableBatchError("The gzip data is broken.", hint=_SEND_AGAIN) from error
    if len(plain) <= limit and (not stream.eof or stream.unused_data):
        raise UnreadableBatchError("The gzip data does not end where the body ends.", hint=_SEND_AGAIN)
    return plain


def read_batch(body: bytes) -> Batch:
    """Read header and events.

    Raises:
        UnreadableBatchError: the header cannot be read (no `seq`), or an event cannot (`seq` says which).
        BatchTooLargeError: there are more than `MAX_BATCH_EVENTS` events.
    """
    try:
        header, events = decode_batch(body.removesuffix(b"\n"))
        before = Position(header.first - 1, _hash(header.hash_before))
    except (ValidationError, ValueError) as error:
        raise UnreadableBatchError("The first line is not a batch header.", hint=_SEND_AGAIN) from error
    if len(events) > MAX_BATCH_EVENTS:
        raise BatchTooLargeError(
            f"A batch may have {MAX_BATCH_EVENTS} events.", hint="Send half of it.", max_batch_events=MAX_BATCH_EVENTS
        )
    return Batch(header, before, _read_lines(header, events))


def _read_lines(header: BatchHeader, events: list[bytes]) -> list[Line]:
    lines: list[Line] = []
    for raw in events:
        try:
            lines.append(read_line(raw, header.stream))
        except (ValidationError, ValueError, OverflowError) as error:
            number = lines[-1].last + 1 if lines else header.first
            raise UnreadableBatchError(
                f"Event {number} of stream {header.stream} cannot be read.",
                hint="Set it aside and go on with the next one.",
                seq=number,
                stream=header.stream.value,
            ) from error
    return lines


def read_line(raw: bytes, stream: Stream) -> Line:
    """Read one event of a stream. Raises `ValueError` or `OverflowError`: it is none."""
    if stream is Stream.METER:
        with suppress(ValidationError):  # another type, or not a good one: then it is read like all others
            return Line.of_samples(raw, read_meter_event(raw))
    envelope = Envelope.model_validate_json(raw)
    if envelope.type != Skipped.TYPE:
        return Line.of(raw, envelope)
    skipped, spoiled = _read_skipped(envelope.data)
    _hash(skipped.hash_after)
    if not 1 <= skipped.first <= skipped.last == envelope.seq <= _HIGHEST_NUMBER:
        raise ValueError("the range is not one")
    return Line.of(raw, envelope, skipped, spoiled)


def _read_skipped(data: dict[str, Any]) -> tuple[Skipped, ValidationError | None]:
    """Read a `Skipped`, and tell what of its thinned values cannot be read: it keeps none of the others from arriving.

    Raises:
        ValidationError: the range itself cannot be read.
    """
    try:
        return Skipped.model_validate(data), None
    except ValidationError as error:
        skipped = Skipped.model_validate({**data, "kept": []})
        kept = data.get("kept")
        return skipped.model_copy(update={"kept": _readable(kept if isinstance(kept, list) else [])}), error


def _readable(kept: list[Any]) -> list[KeptMeterValues]:
    """Those that can be read, but for what comes of the same event as one that cannot: an event arrives whole."""
    good, spoiled = list[KeptMeterValues](), set[Any]()
    for one in kept:
        try:
            good.append(KeptMeterValues.model_validate(one))
        except ValidationError:
            spoiled.add(str(one.get("seq")) if isinstance(one, dict) else None)
    return [one for one in good if str(one.seq) not in spoiled]


def _hash(text: str) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != _HASH_BYTES:
        raise ValueError("not a SHA-256 hash")
    return value
