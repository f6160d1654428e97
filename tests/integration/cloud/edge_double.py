"""An edge as the contract describes it, without any of the edge's own code: it numbers, chains and sends events."""

from __future__ import annotations

import copy
import gzip
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx

from contract.batch import GENESIS, BatchHeader, Envelope, encode_batch, next_hash
from contract.events import EventData, Skipped
from contract.link import MAX_POINTS, Greeting, GreetingAnswer, Past, Point, StreamHead
from contract.streams import Stream

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


class Outbox:
    """One stream: the events with their numbers, and the rolling hash behind each."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.lines: list[tuple[int, int, bytes]] = []
        """First number, last number, bytes."""
        self.hashes: dict[int, bytes] = {0: GENESIS}
        self.head = 0

    def add(self, data: EventData, *, at: datetime = NOON, kind: str | None = None, more: Any = None) -> UUID:
        raw = envelope(self.head + 1, data, at=at, kind=kind, more=more)
        return self.add_raw(raw)

    def add_raw(self, raw: bytes) -> UUID:
        before, self.head = self.hashes[self.head], self.head + 1
        self.lines.append((self.head, self.head, raw))
        self.hashes[self.head] = next_hash(before, raw)
        try:
            return Envelope.model_validate_json(raw).id
        except ValueError:
            return uuid4()

    def thin(self, first: int, last: int) -> None:
        """Replace a range by its `Skipped`."""
        skipped = Skipped(
            first=first, last=last, count=last - first + 1, why="thinned", hash_after=self.hashes[last].hex()
        )
        kept = [line for line in self.lines if line[1] < first or line[0] > last]
        kept.append((first, last, envelope(last, skipped)))
        self.lines = sorted(kept)

    def batch(self, edge: str, first: int, last: int, *, epoch: int = 1) -> bytes:
        """The events of a range; it begins and ends where a line does."""
        chosen = [raw for low, high, raw in self.lines if low >= first and high <= last]
        header = BatchHeader(
            edge=edge,
            epoch=epoch,
            stream=self.stream,
            first=first,
            last=last,
            hash_before=self.hashes[first - 1].hex(),
        )
        return encode_batch(header, chosen)

    def batch_of(self, skipped: Skipped, *, first: int, last: int, edge: str = "tower") -> bytes:
        """One `Skipped` that stands for a range, as a batch."""
        before = self.hashes[first - 1].hex()
        header = BatchHeader(edge=edge, epoch=1, stream=self.stream, first=first, last=last, hash_before=before)
        return encode_batch(header, [envelope(last, skipped)])


def envelope(
    seq: int, data: EventData, *, at: datetime = NOON, kind: str | None = None, more: dict[str, Any] | None = None
) -> bytes:
    content = Envelope(
        id=uuid4(),
        seq=seq,
        type=kind or data.TYPE,
        occurred_at=at,
        recorded_at=at,
        clock_synced=True,
        boot_id="boot",
        monotonic_ms=seq,
        subject="edge",
        data=data.model_dump(mode="json") | (more or {}),
    )
    return content.model_dump_json().encode()


class EdgeDouble:
    """Speaks for one site over HTTP."""

    def __init__(self, client: httpx.AsyncClient, site: str, secret: str) -> None:
        self.client = client
        self.site = site
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.store_id = uuid4()
        self.outboxes = {stream: Outbox(stream) for stream in Stream}
        self.cursors = dict.fromkeys(Stream, 0)
        self.epoch = 1
        self.boot_id = "boot"
        self.claim: UUID | None = None
        self.incarnation: UUID | None = None
        self.greeted: Greeting | None = None
        """The newest greeting as it was sent."""

    def copied(self, boot_id: str) -> EdgeDouble:
        """Another machine with a copy of this one's disk."""
        other = copy.copy(self)
        other.outboxes = copy.deepcopy(self.outboxes)
        other.cursors = dict(self.cursors)
        other.boot_id = boot_id
        return other

    def record(self, *events: EventData, at: datetime = NOON) -> list[UUID]:
        return [self.outboxes[event.STREAM].add(event, at=at) for event in events]

    def greeting(self) -> Greeting:
        return Greeting(
            edge=self.site,
            store_id=self.store_id,
            epoch=self.epoch,
            boot_id=self.boot_id,
            software_version="0.1.0",
            incarnation=self.incarnation,
            claim=self.claim,
            streams={
                stream: StreamHead(
                    head=box.head,
                    acknowledged=self.cursors[stream],
                    oldest_kept=1 if box.head else 0,
                    hash=box.hashes[box.head].hex(),
                )
                for stream, box in self.outboxes.items()
            },
        )

    async def greet(self, **changed: Any) -> httpx.Response:
        self.greeted = greeting = self.greeting().model_copy(update=changed)
        return await self.client.post(
            f"/api/v1/edges/{self.site}/greeting", json=greeting.model_dump(mode="json"), headers=self.headers
        )

    async def settle(self) -> GreetingAnswer:
        """Greet; where the pasts part, compare until the cloud has found the place, and take what it grants."""
        self.claim = uuid4()
        low, high = dict.fromkeys(Stream, 0), {stream: box.head + 1 for stream, box in self.outboxes.items()}
        for _ in range(12):
            past = {stream: self._past(stream, low[stream], high[stream]) for stream in Stream}
            response = await self.greet(past=past)
            assert response.status_code == httpx.codes.OK, response.text
            answer = GreetingAnswer.model_validate_json(response.content)
            if answer.partings is None:
                self.take(answer)
                return answer
            for stream, parting in answer.partings.items():
                low[stream], high[stream] = parting.same, parting.other or self.outboxes[stream].head + 1
        raise AssertionError("the cloud never found the place")

    def take(self, answer: GreetingAnswer) -> None:
        """Believe what a greeting was answered, but not what does not fit."""
        self.epoch, self.incarnation, self.claim = answer.epoch, answer.incarnation, None
        for stream, told in answer.streams.items():
            assert told.hash == self.outboxes[stream].hashes[told.cursor].hex()
            self.cursors[stream] = told.cursor

    def _past(self, stream: Stream, low: int, high: int) -> Past:
        box = self.outboxes[stream]
        seqs = [seq for seq in box.hashes if max(low, 1) <= seq <= min(high, box.head)]
        complete = len(seqs) <= MAX_POINTS
        if not complete:
            seqs = [*seqs[:: len(seqs) // (MAX_POINTS - 2) + 1], seqs[-1]]
        return Past(points=[Point(seq=seq, hash=box.hashes[seq].hex()) for seq in seqs], complete=complete)

    async def push_body(self, body: bytes, *, compress: bool = True) -> httpx.Response:
        headers = {**self.headers, "Content-Type": "application/x-ndjson"}
        if compress:
            headers["Content-Encoding"], body = "gzip", gzip.compress(body, 1)
        return await self.client.post(f"/api/v1/edges/{self.site}/events", content=body, headers=headers)

    async def push(self, stream: Stream, *, first: int | None = None, last: int | None = None) -> httpx.Response:
        """Send what is not acknowledged, or a range; an answer moves the cursor."""
        box = self.outboxes[stream]
        body = box.batch(self.site, first or self.cursors[stream] + 1, last or box.head, epoch=self.epoch)
        answer = await self.push_body(body)
        if answer.status_code == httpx.codes.OK:
            self.cursors[stream] = answer.json()["cursor"]
            assert answer.json()["hash"] == box.hashes[self.cursors[stream]].hex()
        return answer

    async def tell(self, *events: EventData, at: datetime = NOON) -> None:
        """Record events and bring them to the cloud, money first."""
        self.record(*events, at=at)
        for stream in Stream:
            if self.outboxes[stream].head > self.cursors[stream]:
                answer = await self.push(stream)
                assert answer.status_code == httpx.codes.OK, answer.text

    async def pull(self, after: int = 0, wait: float = 0) -> dict[str, Any]:
        answer = await self.client.get(
            f"/api/v1/edges/{self.site}/commands",
            params={"after": after, "wait": wait},
            headers=self.headers,
            timeout=wait + 30,
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        content: dict[str, Any] = answer.json()
        return content
