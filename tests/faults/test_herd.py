"""All edges of a campus lost the cloud together, and it comes back: how soon is every transaction there?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cloud.db.database import Database
from cloud.enrolment.service.enrolling import register_key
from cloud.sites.service import add_site
from contract.streams import Stream
from edge.store.migrations import migrate
from edge.sync.signing import SigningKey, make_key
from tests.faults.conftest import Scale
from tests.faults.figures import Figures, at_most, percentile
from tests.faults.filled import hold_against
from tests.faults.filling import fill
from tests.faults.verdict import Verdict
from tests.harness.postgres import Postgres, killable_postgres
from tests.harness.processes import Cloud

pytestmark = pytest.mark.timeout(3_600)

TRANSACTIONS, SAMPLES = 20, 200
"""Of each edge: some hours of a small building."""

TRANSACTIONS_WITHIN_S, INGEST_WITHIN_S = 300.0, 0.5

OK, TOO_MANY_REQUESTS = 200, 429
PUSHES = frozenset(stream.value for stream in Stream)


@dataclass(frozen=True)
class Return:
    """How the herd comes back."""

    name: str
    failures: int
    """How often each edge has found nobody: that is how far its pauses have grown."""
    longest_s: float = 300.0
    """Where they stop growing."""


AT_ONCE = Return("all within a second, after a moment's outage", failures=0)
AFTER_A_DAY = Return("after a day's outage", failures=12)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with killable_postgres() as postgres:
        yield postgres


def enrolled(database: Database, edges: int) -> list[tuple[str, str, str]]:
    """Make the sites; returns name, store and private key of each one's edge."""
    members, now = [], datetime.now(UTC)
    for number in range(edges):
        site, key = f"site-{number}", make_key()
        add_site(database, site, site, now)
        register_key(database, site, SigningKey(key).public, None, now)
        members.append((site, str(uuid4()), key.seed))
    return members


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(AT_ONCE, id="at_once", marks=pytest.mark.measures("herd", AT_ONCE.name)),
        pytest.param(AFTER_A_DAY, id="after_a_day", marks=pytest.mark.measures("herd", AFTER_A_DAY.name)),
    ],
)
def test_edges_that_come_back_together_are_all_served(
    postgres: Postgres, tmp_path: Path, scale: Scale, figures: Figures, way: Return
) -> None:
    edges = scale.pick(40, 500)
    cloud = Cloud.create(tmp_path / "cloud", sites=(), database_url=postgres.url)
    database = Database(postgres.url)
    plan: dict[str, Any] = {
        "port": cloud.port,
        "members": enrolled(database, edges),
        "outbox": str(an_outbox(tmp_path / "outbox.db")),
        "failures": way.failures,
        "longest_s": scale.pick(5.0, way.longest_s),
    }
    database.close()
    with herd(tmp_path / "herd.json", plan) as one, cloud.start():
        before, back_at = (cpu_s(cloud.pid), cpu_s(postgres.pid)), time.time()
        say(one)
        assert hear(one) == "done"
        after = cpu_s(cloud.pid), cpu_s(postgres.pid)
        at_rest = cpu_per_s(cloud.pid, scale.pick(1.0, 10.0))
        say(one)
        told = json.loads(hear(one))
        verdict = Verdict()
        for site, _, _ in plan["members"]:
            verdict.add(hold_against(postgres.url, site, TRANSACTIONS, SAMPLES), site)
    asked = Counter((request["what"], request["status"]) for request in told["requests"])
    pushes = [one for one in told["requests"] if one["what"] in PUSHES and one["status"] == OK]
    refusals = [one["took_s"] for one in told["requests"] if one["status"] == TOO_MANY_REQUESTS]
    figures.record(
        edges=edges,
        transactions=edges * TRANSACTIONS,
        samples=edges * SAMPLES,
        **verdict.figures,
        all_transactions_after_s=at_most(max(told["ledger_at"]) - back_at, TRANSACTIONS_WITHIN_S),
        everything_after_s=max(told["all_at"]) - back_at,
        batches=len(pushes),
        a_batch_p50_s=percentile([one["took_s"] for one in pushes], 50),
        p99_s=at_most(percentile([one["took_s"] for one in pushes], 99), INGEST_WITHIN_S),
        slowest_s=max(one["took_s"] for one in pushes),
        greeting_p99_s=percentile(
            [r["took_s"] for r in told["requests"] if (r["what"], r["status"]) == ("greet", OK)], 99
        ),
        requests_told_to_come_later=len(refusals),
        of_them_batches=sum(asked[what, TOO_MANY_REQUESTS] for what in PUSHES),
        a_refusal_p99_s=percentile(refusals, 99) if refusals else 0.0,
        cloud_cpu_s=after[0] - before[0],
        postgresql_cpu_s=after[1] - before[1],
        herd_cpu_s=told["cpu_s"],
        cloud_cpu_at_rest_percent=100 * at_rest,
    )
    print(asked)
    assert not verdict, verdict
    assert {status for _, status in asked} <= {OK, TOO_MANY_REQUESTS}, asked


def an_outbox(database: Path) -> Path:
    """What each edge has to tell."""
    migrate(database)
    fill(database, transactions=TRANSACTIONS, samples=SAMPLES, days=0.2)
    return database


@contextmanager
def herd(file: Path, plan: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """The herd's process, prepared."""
    file.write_text(json.dumps(plan))
    with file.with_suffix(".log").open("w") as log:
        one = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.herd", str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
    try:
        assert hear(one) == "waiting", file.with_suffix(".log").read_text()
        yield one
        assert one.wait(60) == 0
    finally:
        one.kill()
        one.communicate()


def say(one: subprocess.Popen[str]) -> None:
    """Let it go on."""
    assert one.stdin is not None
    one.stdin.write("\n")
    one.stdin.flush()


def hear(one: subprocess.Popen[str]) -> str:
    """Its next line."""
    assert one.stdout is not None
    return one.stdout.readline().rstrip()


def cpu_s(pid: int) -> float:
    """What a process and its children, ended ones too, have used so far."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK") + sum(cpu_s(int(child)) for child in children)


def cpu_per_s(pid: int, seconds: float) -> float:
    """The part of a processor that a process uses just now."""
    before, began = cpu_s(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_s(pid) - before) / (time.monotonic() - began)
