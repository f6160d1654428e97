"""All edges of a campus lost the cloud together, and it comes back: how soon is every transaction there?"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cloud.db.database import Database
from cloud.sites.service import add_site
from edge.store.migrations import migrate
from tests.faults.conftest import Scale
from tests.faults.figures import Figures, percentile
from tests.faults.filling import fill
from tests.harness.postgres import Postgres, killable_postgres
from tests.harness.processes import Cloud

pytestmark = pytest.mark.timeout(3_600)

PROCESSES = 2
TRANSACTIONS, SAMPLES = 20, 200
"""Of each edge: some hours of a small building."""


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with killable_postgres() as postgres:
        yield postgres


def an_edge_s_disk(template: Path, target: Path) -> None:
    """The same past under another name, its transactions other ones."""
    shutil.copy(template, target)
    with closing(sqlite3.connect(target, isolation_level=None)) as database:
        database.execute("UPDATE identity SET store_id = ?", (str(uuid4()),))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def herded(cloud: Cloud, folder: Path, edges: int) -> list[tuple[str, str, str]]:
    """Make the sites, and a disk for each."""
    template = folder / "template.db"
    migrate(template)
    fill(template, transactions=TRANSACTIONS, samples=SAMPLES, days=0.2)
    database = Database(cloud.environment["GARDU_CLOUD_DATABASE_URL"])
    members = []
    for number in range(edges):
        site, disk = f"site-{number}", folder / f"edge-{number}.db"
        an_edge_s_disk(template, disk)
        members.append((site, add_site(database, site, site, datetime.now(UTC)).secret, str(disk)))
    database.close()
    return members


def test_edges_that_come_back_at_once_are_all_served(
    postgres: Postgres, tmp_path: Path, scale: Scale, figures: Figures
) -> None:
    edges = scale.pick(40, 500)
    cloud = Cloud.create(tmp_path / "cloud", sites=(), database_url=postgres.url)
    members = herded(cloud, tmp_path, edges)
    with ExitStack() as stack:
        herds = [
            stack.enter_context(herd(tmp_path / f"herd-{part}.json", cloud, members[part::PROCESSES], scale))
            for part in range(PROCESSES)
        ]
        for one in herds:
            assert one.stdout is not None
            assert one.stdout.readline() == "waiting\n"
        stack.enter_context(cloud.start())
        back_at = time.time()
        told: list[dict[str, Any]] = [edge for one in herds for edge in ends_of(one)]
        transactions = cloud.items("/api/v1/transactions")
    assert len(transactions) == edges * TRANSACTIONS
    assert len({(one["site"], one["transaction_id"]) for one in transactions}) == len(transactions)
    push_s = [seconds for edge in told for seconds in edge["push_s"]]
    figures.record(
        "herd",
        edges=edges,
        transactions=len(transactions),
        lost=0,
        doubled=0,
        all_transactions_after_s=max(edge["ledger_at"] for edge in told) - back_at,
        everything_after_s=max(edge["all_at"] for edge in told) - back_at,
        batches=len(push_s),
        a_batch_p50_s=percentile(push_s, 50),
        p99_s=percentile(push_s, 99),
    )


def herd(plan: Path, cloud: Cloud, members: list[tuple[str, str, str]], scale: Scale) -> subprocess.Popen[str]:
    """Start a process with a part of the edges."""
    plan.write_text(json.dumps({"url": cloud.url, "members": members, "longest_s": scale.pick(10.0, 240.0)}))
    with plan.with_suffix(".log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faults.herd", str(plan)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )


def ends_of(one: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """What a herd tells when all of it is in the cloud."""
    told, _ = one.communicate(timeout=1_800)
    assert one.returncode == 0
    ends: list[dict[str, Any]] = json.loads(told)
    return ends
