"""Many edges in one process, each with its own store, link and pace: `python -m tests.faults.herd herd.json`.

They are all offline when it starts. On standard output it says `waiting` once each has found nobody, and at the end one
JSON document: for each edge when its transactions were in the cloud, and how long each batch took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
import uvloop

from contract.streams import Stream
from edge.clock import Clock
from edge.store import outbox
from edge.store.database import connect
from edge.store.readers import Readers
from edge.store.writer import Writer
from edge.sync.backoff import Pace
from edge.sync.carrier import PushOutcome
from edge.sync.https import HttpsCarrier
from edge.sync.proof import SharedSecret
from edge.sync.pushing import Edge
from edge.sync.syncer import LinkCondition, Syncer
from tests.harness.plain_http import PLAIN

FAILURES_OF_A_LONG_OUTAGE = 12


@dataclass
class Member:
    """One edge of the herd."""

    site: str
    secret: str
    database: Path
    push_s: list[float] = field(default_factory=list)
    ledger_at: float | None = None
    all_at: float | None = None
    readers: Readers | None = None

    async def live(self, url: str, pace: Pace, stack: AsyncExitStack) -> Syncer:
        """Open the store and start the link."""
        clock = Clock()
        connection, readers = connect(self.database), Readers(self.database, threads=1)
        writer = Writer(connection, clock)
        carrier = HttpsCarrier(base_url=url, edge=self.site, proof=SharedSecret(self.secret), tls=PLAIN)
        _timed(carrier, self.push_s)
        syncer = Syncer(
            edge=Edge(self.site, "0.1.0"),
            writer=writer,
            readers=readers,
            clock=clock,
            carrier=carrier,
            pace=pace,
        )
        syncer._delivery._link.failures = FAILURES_OF_A_LONG_OUTAGE  # as after hours without a cloud
        for work in (writer.work(), syncer.run()):
            task = asyncio.create_task(work)
            stack.push_async_callback(_end, task)
        self.readers = readers
        return syncer

    def look(self) -> bool:
        """Whether all is in the cloud; notes when."""
        assert self.readers is not None
        heads = self.readers.run_now(outbox.heads)
        left = {stream: head.head - head.acknowledged for stream, head in heads.items()}
        if self.ledger_at is None and left[Stream.LEDGER] == 0:
            self.ledger_at = time.time()
        if self.all_at is None and not any(left.values()):
            self.all_at = time.time()
        return self.all_at is not None


def _timed(carrier: HttpsCarrier, push_s: list[float]) -> None:
    push = carrier.push

    async def timed(batch: bytes) -> PushOutcome:
        began = time.monotonic()
        outcome = await push(batch)
        push_s.append(time.monotonic() - began)
        return outcome

    carrier.push = timed  # type: ignore[method-assign]


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def run(plan: dict[str, Any]) -> None:
    """Let the herd live until all of it is in the cloud."""
    members = [Member(site, secret, Path(database)) for site, secret, database in plan["members"]]
    pace = Pace(longest_s=plan["longest_s"])
    async with AsyncExitStack() as stack:
        syncers = [await member.live(plan["url"], pace, stack) for member in members]
        while any(syncer.status().condition is not LinkCondition.OFFLINE for syncer in syncers):
            await asyncio.sleep(0.1)
        print("waiting", flush=True)
        while not all([member.look() for member in members]):  # noqa: C419 - each of them has to look
            await asyncio.sleep(0.2)
    told = [{"ledger_at": one.ledger_at, "all_at": one.all_at, "push_s": one.push_s} for one in members]
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    uvloop.run(run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
