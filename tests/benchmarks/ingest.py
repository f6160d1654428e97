"""Meter values into a cloud on PostgreSQL: through HTTP into one replica, beside a bare COPY of the same rows.

`make bench` runs it after the edge's. The server is a PostgreSQL of its own with its defaults (fsync on). Edges send
batches as the edge makes them: gzip, one under way each. A *row* is one instant of a charge point, a *value* one of its
sampledValues; the goal is held against rows, the lesser of the two. The bare COPY gets the very rows that a round
stored, into a table with the same columns and indexes, as one statement with its text made beforehand. Rounds
alternate, and the ratio is taken within a round, since the machine may be shared; the median of the rounds counts.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from contract.batch import GENESIS, BatchHeader, Envelope, encode_batch, next_hash
from contract.events import MeterValue, MeterValuesSampled, Sample
from contract.streams import Stream
from tests.harness.processes import Cloud
from tests.integration.cloud.postgres import Cluster, binaries, cluster

SITES = ("a", "b", "c", "d")
CHARGE_POINTS = 50
BATCH_EVENTS = 2_500
SAMPLES = (
    Sample(measurand="Energy.Active.Import.Register", value="1234567", unit="Wh"),
    Sample(measurand="Power.Active.Import", value="7200.0", unit="W"),
    Sample(measurand="Current.Import", value="31.2", unit="A", phase="L1"),
)
GOAL_ROWS, GOAL_RATIO = 20_000, 0.30


@dataclass
class Sender:
    """One edge: makes its batches ahead of time, then sends them one after the other."""

    site: str
    secret: str
    port: int
    head: int = 0
    chain: bytes = GENESIS
    bodies: list[bytes] = field(default_factory=list)
    transactions: list[UUID] = field(default_factory=lambda: [uuid4() for _ in range(CHARGE_POINTS)])

    def prepare(self, batches: int) -> None:
        for _ in range(batches):
            first, before = self.head + 1, self.chain
            events = [self._event() for _ in range(BATCH_EVENTS)]
            header = BatchHeader(
                edge=self.site, epoch=1, stream=Stream.METER, first=first, last=self.head, hash_before=before.hex()
            )
            self.bodies.append(gzip.compress(encode_batch(header, events), 1))

    def send(self) -> None:
        headers = {
            "Authorization": f"Bearer {self.secret}",
            "Content-Encoding": "gzip",
            "Content-Type": "application/x-ndjson",
        }
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)) as connection:
            for body in self.bodies:
                connection.request("POST", f"/api/v1/edges/{self.site}/events", body, headers)
                answer = connection.getresponse()
                if (content := answer.read()) and answer.status != http.HTTPStatus.OK:
                    raise SystemExit(f"the cloud answered {answer.status}: {content.decode()}")
        self.bodies.clear()

    def _event(self) -> bytes:
        self.head += 1
        place = self.head % CHARGE_POINTS
        at = datetime(2026, 3, 4, tzinfo=UTC) + timedelta(seconds=self.head // CHARGE_POINTS * 60, milliseconds=place)
        data = MeterValuesSampled(
            charge_point=f"CP-{place}",
            connector_id=1,
            transaction=self.transactions[place],
            values=[MeterValue(sampled_at=at, samples=list(SAMPLES))],
        )
        raw = (
            Envelope(
                id=uuid4(),
                seq=self.head,
                type=data.TYPE,
                occurred_at=at,
                recorded_at=at,
                clock_synced=True,
                boot_id="4f1c9d0e-boot",
                monotonic_ms=self.head,
                subject=f"charge-point/{data.charge_point}",
                data=data.model_dump(mode="json"),
            )
            .model_dump_json()
            .encode()
        )
        self.chain = next_hash(self.chain, raw)
        return raw


@dataclass(frozen=True)
class Round:
    """Rows per second, both ways."""

    http: float
    bare_copy: float

    @property
    def ratio(self) -> float:
        return self.http / self.bare_copy


def measure(rounds: int, batches: int) -> list[Round]:
    """Run the rounds, each with `batches` batches of each edge."""
    found = binaries()
    if found is None:
        raise SystemExit("The benchmark needs PostgreSQL's initdb and pg_ctl.")
    with (
        cluster(found, durable=True) as server,
        tempfile.TemporaryDirectory() as folder,
        _replica(server, Path(folder)) as senders,
        _connected(server) as connection,
    ):
        connection.execute("CREATE TABLE bare (LIKE meter_value INCLUDING INDEXES)")
        results = []
        for number in range(1, rounds + 1):
            results.append(_round(senders, connection, batches))
            told = f"{results[-1].http:,.0f} rows/s, bare COPY {results[-1].bare_copy:,.0f} rows/s"
            print(f"  round {number} of {rounds}: {told}", file=sys.stderr, flush=True)
        return results


def _round(senders: list[Sender], connection: psycopg.Connection, batches: int) -> Round:
    behind = {sender.site: sender.head for sender in senders}
    for sender in senders:
        sender.prepare(batches)
    connection.execute("CHECKPOINT")
    began = time.perf_counter()
    with ThreadPoolExecutor(len(senders)) as threads:
        list(threads.map(Sender.send, senders))
    took = time.perf_counter() - began
    rows = sum(sender.head - behind[sender.site] for sender in senders)
    copied = _bare_copy(connection, behind)
    return Round(rows / took, rows / copied)


def _bare_copy(connection: psycopg.Connection, behind: dict[str, int]) -> float:
    """Copy the rows of a round once more; the seconds that it took."""
    new = " OR ".join(f"(site_id = '{site}' AND seq > {seq})" for site, seq in behind.items())
    with connection.cursor().copy(f"COPY (SELECT * FROM meter_value WHERE {new}) TO STDOUT".encode()) as copy:  # noqa: S608
        rows = b"".join(bytes(part) for part in copy)
    connection.execute("TRUNCATE bare")
    connection.execute("CHECKPOINT")
    began = time.perf_counter()
    with connection.cursor().copy("COPY bare FROM STDIN") as copy:
        copy.write(rows)
    return time.perf_counter() - began


@contextmanager
def _replica(server: Cluster, folder: Path) -> Iterator[list[Sender]]:
    with _connected(server, "postgres") as connection:
        connection.execute("CREATE DATABASE bench")
    cloud = Cloud.create(folder, sites=SITES, database_url=server.url("bench"))
    cloud.environment["GARDU_CLOUD_EDGE_REQUESTS_AT_WORK"] = "8"  # so that four edges may send meter values at once
    with cloud.start():
        yield [Sender(site, cloud.secrets[site], cloud.port) for site in SITES]


@contextmanager
def _connected(server: Cluster, name: str = "bench") -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        yield connection


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ingest")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, default=8, help=f"of {BATCH_EVENTS} events, per edge and round")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    chosen = parser.parse_args()
    print(f"Meter values, {len(SITES)} edges, {len(SAMPLES)} sampledValues a row, PostgreSQL", file=sys.stderr)
    results = measure(chosen.rounds, chosen.batches)
    rows, bare, ratio = (
        statistics.median(getattr(one, name) for one in results) for name in ("http", "bare_copy", "ratio")
    )
    print(
        f"\nthrough HTTP into one replica {rows:>10,.0f} rows/s ({rows * len(SAMPLES):,.0f} values/s)   "
        f"goal {GOAL_ROWS:,}: {_verdict(rows >= GOAL_ROWS)}"
    )
    print(f"bare COPY of the same rows    {bare:>10,.0f} rows/s")
    print(f"ratio                         {ratio:>10.2f}   goal {GOAL_RATIO:.2f}: {_verdict(ratio >= GOAL_RATIO)}\n")
    if chosen.json:
        print(json.dumps({"rows_per_s": round(rows), "bare_copy_rows_per_s": round(bare), "ratio": round(ratio, 3)}))


def _verdict(reached: bool) -> str:  # noqa: FBT001 - the one thing it says
    return "reached" if reached else "NOT reached"


if __name__ == "__main__":
    main()
