"""K35, K40, K42, K57, K60, K99 where a running process matters: restarts, the disk, the crowd, the machine's clock."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import secrets
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

import edge.app
from edge.clock import Clock
from edge.config import load
from edge.domain.authorisation import DirectoryEntry
from edge.store import clocks, id_tags
from edge.store.database import connect
from edge.store.enrolment import enrol
from edge.store.migrations import migrate
from tests.harness.processes import Edge, free_port
from tests.harness.station import Station, connected

WITHIN_S = 60.0
CROWD = 200


def furnished(folder: Path, *identities: str, **settings: Any) -> tuple[Edge, dict[str, str]]:
    """An edge that knows these charge points and the id tag TAG; it does not run yet."""
    made = Edge.create(folder, **settings)
    data = folder / "data"
    data.mkdir(parents=True)
    migrate(data / "edge.db")
    connection = connect(data / "edge.db")
    now = datetime.now(UTC)
    connection.execute("BEGIN")
    keys = {identity: enrol(connection, identity, secrets.token_bytes, now) for identity in identities}
    id_tags.put(connection, id_tags.IdTag(DirectoryEntry("TAG", "Accepted"), None), now)
    connection.execute("COMMIT")
    connection.close()
    return made, keys


async def eventually(check: Callable[[], Any]) -> Any:
    """Await what a synchronous look shows."""
    deadline = time.monotonic() + WITHIN_S
    while not (seen := await asyncio.to_thread(check)):
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.1)
    return seen


@asynccontextmanager
async def reconnected(site: Edge, identity: str, key: str) -> AsyncIterator[Station]:
    """Connect as soon as the edge lets it in."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            async with connected(site.ws_url, identity, key) as station:
                yield station
                return
        except InvalidStatus as refused:
            if refused.response.status_code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


async def test_k40_a_start_is_one_transaction_across_reconnects_and_restarts(tmp_path: Path) -> None:
    site, keys = furnished(tmp_path, "CP1")
    at = datetime.now(UTC).isoformat()
    numbers = set()
    for _ in range(2):
        with site.start():
            for _ in range(3):
                async with connected(site.ws_url, "CP1", keys["CP1"]) as station:
                    await station.boot()
                    started = await station.ask(
                        "StartTransaction", connector_id=1, id_tag="TAG", meter_start=0, timestamp=at
                    )
                    numbers.add(started.transaction_id)
            assert [one["transaction_id"] for one in site.items("/api/v1/transactions")] == list(numbers)
            site.kill()


async def test_k42_the_writers_own_connection_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []

    def remembered(path: Path, **options: Any) -> sqlite3.Connection:
        opened.append(connect(path, **options))
        return opened[-1]

    monkeypatch.setattr(edge.app, "connect", remembered)
    site, _ = furnished(tmp_path, "CP1")
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)
    async with edge.app._started(load()):
        in_force = [connection.execute("PRAGMA synchronous").fetchone()[0] for connection in opened]
    assert in_force == [2] * len(opened)  # FULL
    assert opened


async def test_k42_numbers_go_on_after_the_database_was_restored(tmp_path: Path) -> None:
    site, keys = furnished(tmp_path, "CP1")
    backup = tmp_path / "backup.db"
    shutil.copyfile(tmp_path / "data" / "edge.db", backup)

    async def start(meter_start: int) -> int:
        async with connected(site.ws_url, "CP1", keys["CP1"]) as station:
            at = datetime.now(UTC).isoformat()
            started = await station.ask(
                "StartTransaction", connector_id=1, id_tag="TAG", meter_start=meter_start, timestamp=at
            )
            return int(started.transaction_id)

    before = int(time.time())
    with site.start():
        first = await start(0)
        site.stop()
    for left in (tmp_path / "data").glob("edge.db*"):
        left.unlink()
    shutil.copyfile(backup, tmp_path / "data" / "edge.db")
    await eventually(lambda: time.time() > first + 1)
    with site.start():
        second = await start(1)
    assert before < first < second < 2**31


async def test_k57_a_crowd_is_authorised_while_the_cloud_is_dead(tmp_path: Path) -> None:
    identities = [f"CP{number}" for number in range(CROWD)]
    dead = f"http://127.0.0.1:{free_port()}"
    site, keys = furnished(tmp_path, *identities, LOG__LEVEL="ERROR", CLOUD__URL=dead, CLOUD__SECRET="x" * 40)

    async def show_a_tag(identity: str, together: asyncio.Barrier) -> str:
        async with connected(site.ws_url, identity, keys[identity], open_timeout=WITHIN_S) as station:
            await station.boot()
            await together.wait()
            answer = await station.ask("Authorize", id_tag="TAG")
            return str(answer.id_tag_info["status"])

    together = asyncio.Barrier(CROWD)
    with site.start():
        async with asyncio.timeout(WITHIN_S):  # how fast it is belongs to the benchmark
            answers = await asyncio.gather(*(show_a_tag(identity, together) for identity in identities))
        assert answers == ["Accepted"] * CROWD
        assert len(site.items("/api/v1/authorizations", id_tag="tag")) == CROWD
        assert site.backlog() >= CROWD


async def test_k60_a_full_disk_closes_connections_and_everything_arrives_once_it_is_mended(tmp_path: Path) -> None:
    """The disk is full for the edge's process alone: its files may not grow. As SQLite sees it, that is a full disk."""
    site, keys = furnished(tmp_path, "CP1")
    with site.start():
        async with connected(site.ws_url, "CP1", keys["CP1"]) as station:
            await station.boot()
            at = datetime.now(UTC).isoformat()
            started = await station.ask("StartTransaction", connector_id=1, id_tag="TAG", meter_start=0, timestamp=at)
            wal = tmp_path / "data" / "edge.db-wal"
            _, hard = resource.prlimit(site.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(site.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size, hard))
            stop = {"transactionId": started.transaction_id, "meterStop": 700, "timestamp": at}
            heard = await _send_raw(station, [2, "full", "StopTransaction", stop])
            assert heard == (1013, [])
        with pytest.raises(InvalidStatus) as refused:
            async with connected(site.ws_url, "CP1", keys["CP1"]):
                pass
        assert refused.value.response.status_code == 503
        with site.client() as client:
            assert not client.get("/readyz").is_success
        resource.prlimit(site.pid, resource.RLIMIT_FSIZE, (hard, hard))
        async with reconnected(site, "CP1", keys["CP1"]) as station:
            await station.ask("StopTransaction", transaction_id=started.transaction_id, meter_stop=700, timestamp=at)
            await station.ask("StartTransaction", connector_id=1, id_tag="TAG", meter_start=700, timestamp=at)
        second, first = site.items("/api/v1/transactions")
        assert (first["energy_wh"], first["state"], second["state"]) == (700, "closed", "open")


async def _send_raw(station: Station, frame: list[Any]) -> tuple[int | None, list[str]]:
    """Send a frame and wait for the end of the connection; gives its code, and what was answered before."""
    heard: list[str] = []
    station.swallowed = asyncio.Queue()
    await station.websocket.send(json.dumps(frame))
    try:
        async with asyncio.timeout(WITHIN_S):
            await station.websocket.wait_closed()
    except ConnectionClosed:  # pragma: no cover - the reading loop sees it first
        pass
    while not station.swallowed.empty():
        heard.append(station.swallowed.get_nowait())
    return station.websocket.close_code, heard


LIBRARY = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


async def test_k35_a_machine_that_wakes_up_in_1970_tells_no_such_time(tmp_path: Path) -> None:
    if LIBRARY is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs libfaketime (apt-get install faketime)")
        pytest.skip("left out: libfaketime is not installed")
    site, keys = furnished(tmp_path, "CP1")
    with site.start():
        noted = datetime.now(UTC)
        site.stop()
    site.environment |= {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME": "@1970-01-01 00:10:00",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }
    with site.start():
        async with connected(site.ws_url, "CP1", keys["CP1"]) as station:
            boot = await station.boot()
            assert (boot.status, boot.interval) == ("Pending", 30)
            told = datetime.fromisoformat(boot.current_time)
            assert -60 < (told - noted).total_seconds() < 600
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{site.api_port}", trust_env=False) as api:
            standing = (await api.get("/api/v1/alarms")).json()["items"]
        assert [alarm["kind"] for alarm in standing] == ["ClockSuspect"]


async def test_k35_an_edge_that_noted_a_time_far_ahead_is_told_that_its_clock_is_right(tmp_path: Path) -> None:
    site, _ = furnished(tmp_path, "CP1")
    connection = connect(site.folder / "data" / "edge.db")
    clocks.write_edge(connection, datetime.now(UTC) + timedelta(days=365), None)
    connection.close()

    def standing() -> list[str]:
        return [alarm["kind"] for alarm in site.items("/api/v1/alarms", standing=True)]

    with site.start():
        if not Clock().machine_synchronised():  # then it has found out by itself
            assert standing() == ["ClockSuspect"]
        said = await asyncio.to_thread(site.cli, "trust-clock", "--yes")
        assert "goes by this clock within some seconds" in said
        await eventually(lambda: not standing())


@pytest.mark.parametrize("hours", [1, -1])
async def test_k99_a_step_of_the_machines_clock_breaks_nothing_in_a_running_edge(tmp_path: Path, hours: int) -> None:
    if LIBRARY is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs libfaketime (apt-get install faketime)")
        pytest.skip("left out: libfaketime is not installed")
    site, keys = furnished(tmp_path / "edge", "CP1", CENTRAL_SYSTEM__PING_INTERVAL_S="0.5")
    offset = tmp_path / "faketime"
    offset.write_text("+0")
    site.environment |= {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }
    with site.start():
        async with connected(site.ws_url, "CP1", keys["CP1"]) as station:
            await station.boot()

            async def told() -> datetime:
                return datetime.fromisoformat((await station.ask("Heartbeat")).current_time)

            before = await told()
            started = await station.ask(
                "StartTransaction", connector_id=1, id_tag="TAG", meter_start=0, timestamp=before.isoformat()
            )
            offset.write_text(f"{hours:+d}h")
            stepped = before
            async with asyncio.timeout(WITHIN_S):
                while abs((stepped - before).total_seconds()) < 3000:
                    stepped = await told()
            await asyncio.sleep(2.5)  # several pings: none of them may look late by the step
            await station.ask(
                "StopTransaction",
                transaction_id=started.transaction_id,
                meter_stop=700,
                timestamp=(before + timedelta(minutes=1)).isoformat(),
            )
            shown = await asyncio.to_thread(_shown_at, site, "/api/v1/charge-points/CP1")
            assert shown["connected"]
        (stored,) = await asyncio.to_thread(site.items, "/api/v1/transactions")
        assert (stored["energy_wh"], stored["state"]) == (700, "closed")
        connects = [one for one in _events(site) if one["type"] == "ChargePointConnected.v1"]
        assert len(connects) == 1  # it was never thrown out


def _shown_at(site: Edge, path: str) -> dict[str, Any]:
    with site.client() as client:
        shown: dict[str, Any] = client.get(path).json()
        return shown


def _events(site: Edge) -> list[dict[str, Any]]:
    """Every event of the outbox, in its order; numbers without holes."""
    connection = connect(site.folder / "data" / "edge.db", read_only=True)
    try:
        rows = connection.execute("SELECT stream, seq, event FROM outbox ORDER BY stream, seq").fetchall()
    finally:
        connection.close()
    for stream in {row["stream"] for row in rows}:
        numbers = [row["seq"] for row in rows if row["stream"] == stream]
        assert numbers == list(range(1, len(numbers) + 1)), stream
    return [json.loads(row["event"]) for row in rows]
