"""From bytes to a batch: limits before work, and blame only where an event deserves it."""

from __future__ import annotations

import gzip
import zlib
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.errors import BatchTooLargeError, LinkError, UnreadableBatchError
from cloud.ingest.service.body import decompress, read_batch
from contract.batch import GENESIS, MAX_BATCH_EVENTS, BatchHeader, Envelope, encode_batch
from contract.events import Skipped
from contract.streams import Stream

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def event(seq: int, kind: str = "Any.v1", **data: object) -> bytes:
    content = Envelope(
        id=UUID(int=seq),
        seq=seq,
        type=kind,
        occurred_at=NOON,
        recorded_at=NOON,
        clock_synced=True,
        boot_id="b",
        monotonic_ms=0,
        subject="edge",
        data=data,
    )
    return content.model_dump_json().encode()


def body(*events: bytes, first: int = 1, hash_before: str = GENESIS.hex()) -> bytes:
    header = BatchHeader(
        edge="tower", epoch=1, stream=Stream.LEDGER, first=first, last=first + len(events), hash_before=hash_before
    )
    return encode_batch(header, events)


@given(st.binary(max_size=2000), st.sampled_from([None, "identity", "gzip", " GZIP "]))
def test_what_was_compressed_comes_back(data: bytes, encoding: str | None) -> None:
    sent = gzip.compress(data) if encoding and "gzip" in encoding.lower() else data
    assert decompress(sent, encoding, 2000) == data


def test_a_bomb_is_stopped_at_the_limit() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 60_000
    with pytest.raises(BatchTooLargeError):
        decompress(bomb, "gzip", 1000)


def test_exactly_the_limit_is_taken() -> None:
    assert len(decompress(gzip.compress(bytes(1000)), "gzip", 1000)) == 1000
    with pytest.raises(BatchTooLargeError):
        decompress(bytes(1001), None, 1000)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"plain",
        gzip.compress(b"x" * 100)[:-1],
        gzip.compress(b"x") + b"more",
        gzip.compress(b"x")[:-8] + bytes(8),
        zlib.compress(b"x"),
    ],
    ids=["empty", "plain", "cut", "trailing", "wrong checksum", "zlib"],
)
def test_broken_compression_blames_no_event(broken: bytes) -> None:
    with pytest.raises(UnreadableBatchError) as refused:
        decompress(broken, "gzip")
    assert "seq" not in refused.value.extensions


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(UnreadableBatchError, match="br is not known"):
        decompress(b"", "br")


@pytest.mark.parametrize("hash_before", ["", "zz" * 32, "00" * 31])
def test_a_header_that_cannot_be_read_blames_no_event(hash_before: str) -> None:
    for broken in (b"", b"\n", b"{}", b"[1]", b"\xff", body(event(1), hash_before=hash_before)):
        with pytest.raises(UnreadableBatchError) as refused:
            read_batch(broken)
        assert "seq" not in refused.value.extensions


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"{",
        b"null",
        b"\xff\xfe",
        event(6).replace(b"2026-03-04T12:00:00Z", b"2026-03-04T12:00:00"),
        event(6).replace(b"2026-03-04T12:00:00Z", b"0001-01-01T00:00:00+01:00"),
        event(6, Skipped.TYPE, first=6),
        event(6, Skipped.TYPE, first=6, last=7, count=1, why="", hash_after="00" * 32),
        event(6, Skipped.TYPE, first=7, last=6, count=1, why="", hash_after="00" * 32),
        event(6, Skipped.TYPE, first=6, last=6, count=1, why="", hash_after="00"),
        event(2**63, Skipped.TYPE, first=6, last=2**63, count=1, why="", hash_after="00" * 32),
    ],
    ids=range(11),
)
def test_an_event_that_cannot_be_read_is_named_by_its_number(bad: bytes) -> None:
    with pytest.raises(UnreadableBatchError) as refused:
        read_batch(body(event(5), bad, event(7), first=5))
    assert refused.value.extensions == {"seq": 6, "stream": "ledger"}


def test_a_number_after_a_skipped_range_is_counted_from_its_end() -> None:
    skipped = event(9, Skipped.TYPE, first=5, last=9, count=5, why="thinned", hash_after="11" * 32)
    with pytest.raises(UnreadableBatchError) as refused:
        read_batch(body(skipped, b"?", first=5))
    assert refused.value.extensions["seq"] == 10
    [line] = read_batch(body(skipped, first=5) + b"\n").lines
    assert (line.first, line.last, line.hash_after(GENESIS)) == (5, 9, b"\x11" * 32)


def test_too_many_events_are_refused_unread() -> None:
    with pytest.raises(BatchTooLargeError):
        read_batch(body(*[b"?"] * (MAX_BATCH_EVENTS + 1)))


@given(st.binary(max_size=300))
def test_any_bytes_are_either_read_or_refused(data: bytes) -> None:
    try:
        read_batch(data)
    except LinkError:
        return
