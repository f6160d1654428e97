"""The real process: its command line, its start, its stop, and kill -9."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from cloud.db.database import Database
from cloud.models.link import LedgerEventRow
from contract.events import AuthorizationDecided
from contract.streams import Stream
from tests.integration.cloud.edge_double import EdgeDouble

ROOT = Path(__file__).parents[3]

# Each start imports the whole program; on a small, busy machine that alone takes many seconds.
pytestmark = pytest.mark.timeout(400)


class Machine:
    """Where gardu-cloud is started."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.database_url = database_url
        self.process: subprocess.Popen[str] | None = None

    def environment(self, **settings: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GARDU_")}
        ours = {"DATABASE_URL": self.database_url, "PORT": "0", "LOG_FORMAT": "json", **settings}
        return inherited | {f"GARDU_CLOUD_{name}": value for name, value in ours.items()}

    def call(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cloud.cli", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=self.environment(**settings) | {"PYTHONPATH": str(ROOT)},
        )

    def start(self, **settings: str) -> None:
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cloud.cli", "run"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.folder,
                env=self.environment(**settings) | {"PYTHONPATH": str(ROOT)},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        ready = re.search(r"is ready at (http://\S+)", line)
        assert ready, line + (self.folder / "log").read_text()
        self.url = ready[1]

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code


@pytest.fixture
def machine(database_url: str, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(database_url, tmp_path)
    yield machine
    if machine.process:
        machine.stop(signal.SIGKILL)


def made(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    return content


async def test_the_command_line_works_before_and_during_a_run_and_it_stops_at_once(machine: Machine) -> None:
    admin = made(machine.call("create-admin", "ops", "--json"))
    assert set(admin) == {"name", "api_key"}
    machine.start()
    site = made(machine.call("add-site", "tower", "--secret", "--name", "Landmark Tower", "--json"))
    assert (set(site), site["name"]) == ({"site", "name", "secret"}, "Landmark Tower")
    for again in (("create-admin", "ops"), ("add-site", "tower")):
        refused = machine.call(*again)
        assert refused.returncode == 1
        assert "exists already; nothing was changed" in refused.stderr
        assert "Hint:" in refused.stderr
        assert refused.stdout == ""
    async with httpx.AsyncClient(base_url=machine.url) as client:
        shown = await client.get("/api/v1/sites", headers={"Authorization": f"Bearer {admin['api_key']}"})
        assert shown.json()["items"][0]["site"] == "tower"
        edge = EdgeDouble(client, "tower", site["secret"])
        stranger = {"Authorization": f"Bearer {admin['api_key']}"}
        assert (await client.get("/api/v1/edges/tower/commands?wait=0", headers=stranger)).status_code == 403
        poll = asyncio.create_task(edge.pull(wait=50))
        await asyncio.sleep(0.5)
        began = time.monotonic()
        assert await asyncio.to_thread(machine.stop) == 0
        assert time.monotonic() - began < 5
        assert (await poll)["items"] == []
    log = (machine.folder / "log").read_text()
    assert log.count("/api/v1/edges/tower/commands") == 1, "who is turned away is told, who is well is not"
    assert "wait=" not in log
    assert admin["api_key"] not in log
    assert site["secret"] not in log


async def test_killed_at_any_moment_it_keeps_what_it_answered_and_doubles_nothing(machine: Machine) -> None:
    secret = made(machine.call("add-site", "tower", "--secret", "--json"))["secret"]
    chance = random.Random(7)
    edge = EdgeDouble(httpx.AsyncClient(), "tower", secret)
    event = AuthorizationDecided(charge_point="CP1", id_tag="A", status="Accepted", reason="known")
    for _ in range(3):
        await asyncio.to_thread(machine.start)
        async with httpx.AsyncClient(base_url=machine.url) as client:
            edge.client = client
            greeted = await edge.greet()
            cursor = greeted.json()["streams"]["ledger"]["cursor"]
            assert cursor >= edge.cursors[Stream.LEDGER]
            edge.cursors[Stream.LEDGER] = cursor
            assert machine.process is not None
            killer = asyncio.get_running_loop().call_later(chance.uniform(0.05, 0.6), machine.process.kill)
            try:
                while True:
                    edge.record(*[event] * 50)
                    assert (await edge.push(Stream.LEDGER)).status_code == 200
            except httpx.HTTPError:
                pass
            killer.cancel()
        machine.stop(signal.SIGKILL)
    machine.start()
    async with httpx.AsyncClient(base_url=machine.url) as client:
        edge.client = client
        edge.cursors[Stream.LEDGER] = (await edge.greet()).json()["streams"]["ledger"]["cursor"]
        if edge.cursors[Stream.LEDGER] < edge.outboxes[Stream.LEDGER].head:
            assert (await edge.push(Stream.LEDGER)).status_code == 200
    machine.stop()
    database = Database(machine.database_url)
    with database.read() as unit:
        stored = unit.scalars(select(LedgerEventRow.seq)).all()
    database.close()
    assert sorted(stored) == list(range(1, edge.outboxes[Stream.LEDGER].head + 1))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"HOST": "0.0.0.0"}, ["host is '0.0.0.0'", "GARDU_CLOUD_TLS_CERT", "GARDU_CLOUD_BEHIND_PROXY"]),  # noqa: S104
        ({"DATABASE_URL": "mysql://a:hunter2@b/c"}, ["only SQLite and PostgreSQL"]),
    ],
)
def test_a_wrong_setting_stops_the_start_and_says_what_would_be_right(
    tmp_path: Path, settings: dict[str, str], words: list[str]
) -> None:
    refused = Machine(f"sqlite:///{tmp_path / 'c.db'}", tmp_path).call("run", **settings)
    assert refused.returncode == 1
    for word in words:
        assert word in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "hunter2" not in refused.stderr
