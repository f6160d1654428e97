"""The whole edge process beside its neighbours: another edge, a locked database, charge points that misbehave."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import websockets

from tests.harness.processes import Edge, Process
from tests.harness.station import connected

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    with Edge.create(tmp_path / "edge", CENTRAL_SYSTEM__PING_INTERVAL_S="0.2").start() as edge:
        yield edge


def refused(process: Process, *arguments: str) -> str:
    """Run a command that must fail with a sentence and no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", process.module, *arguments],
        cwd=process.folder,
        env=process._whole_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_second_edge_on_the_same_data_is_refused_and_names_the_first(edge: Edge) -> None:
    message = refused(edge, "run")
    assert f"Another edge (process {edge.pid}) runs on the data folder" in message
    assert "GARDU_EDGE_DATA_DIR" in message


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [("GARDU_EDGE_CENTRAL_SYSTEM__PORT", "for charge points"), ("GARDU_EDGE_API__PORT", "for the local API")],
)
def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path: Path, variable: str, sentence: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        edge = Edge.create(tmp_path)
        edge.environment[variable] = str(taken.getsockname()[1])
        edge.folder.mkdir(exist_ok=True)
        message = refused(edge, "run")
    assert sentence in message
    assert f"Set {variable} to a free port" in message


def test_an_identity_that_could_never_sign_in_is_refused(edge: Edge) -> None:
    assert "cannot be the identity of a charge point" in refused(edge, "add-charge-point", "A:B")


def test_a_secret_would_not_cross_the_network_in_clear(tmp_path: Path) -> None:
    edge = Edge.create(tmp_path, cloud_url="http://far.example", cloud_secret="x" * 40)
    assert "in clear" in refused(edge, "check-config")


async def test_another_process_with_the_write_lock_delays_an_answer_and_nothing_else(edge: Edge) -> None:
    password = await asyncio.to_thread(edge.add_charge_point, "CP-1")
    async with connected(edge.ws_url, "CP-1", password) as station:
        await station.boot()
        with contextlib.closing(sqlite3.connect(edge.folder / "data" / "edge.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            beat = asyncio.create_task(station.ask("Heartbeat"))
            with edge.client() as client:
                for _ in range(5):  # reading goes on, so the event loop does
                    answer = await asyncio.to_thread(client.get, "/api/v1/central-system/clients")
                    assert answer.json() == ["CP-1"]
            assert not beat.done()
            other.execute("ROLLBACK")
        async with asyncio.timeout(20):
            assert (await beat).current_time


async def test_a_charge_point_that_does_not_read_holds_up_neither_others_nor_the_end(edge: Edge) -> None:
    deaf_password = await asyncio.to_thread(edge.add_charge_point, "DEAF")
    password = await asyncio.to_thread(edge.add_charge_point, "CP-1")
    deaf = await asyncio.to_thread(flood, edge.central_system_port, "DEAF", deaf_password)
    async with connected(edge.ws_url, "CP-1", password) as station:
        await station.boot()
        async with asyncio.timeout(20):
            assert (await station.ask("Heartbeat")).current_time
    began = time.monotonic()
    assert await asyncio.to_thread(edge.stop) == 0
    assert time.monotonic() - began < 25
    deaf.close()


def flood(port: int, identity: str, password: str) -> socket.socket:
    """Ask a thousand times and read no answer; the small buffers make the answers lie at the edge."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect(("127.0.0.1", port))
    connection.settimeout(2)
    token = base64.b64encode(f"{identity}:{password}".encode()).decode()
    connection.sendall(
        f"GET /{identity} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        f"Sec-WebSocket-Protocol: ocpp1.6\r\n"
        f"Authorization: Basic {token}\r\n\r\n".encode()
    )
    assert b" 101 " in connection.recv(1024)
    boot = b'[2,"b","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]'
    beats = b"".join(_frame(b'[2,"%d","Heartbeat",{}]' % number) for number in range(1000))
    with contextlib.suppress(OSError):
        connection.sendall(_frame(boot))
        for _ in range(30):
            connection.sendall(beats)
    return connection


def _frame(payload: bytes) -> bytes:
    return bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload


async def test_a_new_key_ends_the_session_of_the_old_one(edge: Edge) -> None:
    password = await asyncio.to_thread(edge.add_charge_point, "CP-1")
    async with connected(edge.ws_url, "CP-1", password) as station:
        await station.boot()
        new = await asyncio.to_thread(edge.add_charge_point, "CP-1")
        async with asyncio.timeout(10):
            await station.websocket.wait_closed()
    with pytest.raises(websockets.InvalidStatus):
        async with connected(edge.ws_url, "CP-1", password):
            pass
    async with connected(edge.ws_url, "CP-1", new) as station:
        assert (await station.boot()).status == "Accepted"


async def test_the_stop_of_a_charge_point_that_must_wait_is_taken_all_the_same(edge: Edge) -> None:
    password = await asyncio.to_thread(edge.add_charge_point, "CP-1")
    edge.add_id_tag("TAG-1")
    at = "2026-11-01T10:00:00.000Z"
    async with connected(edge.ws_url, "CP-1", password) as station:
        await station.boot()
        start = await station.ask("StartTransaction", connector_id=1, id_tag="TAG-1", meter_start=5, timestamp=at)
    with edge.client() as client:
        client.put("/api/v1/charge-points/CP-1", json={"registration_status": "Pending"})
    async with connected(edge.ws_url, "CP-1", password) as station:
        await station.ask("StopTransaction", transaction_id=start.transaction_id, meter_stop=9, timestamp=at)
    assert [one["energy_wh"] for one in edge.items("/api/v1/transactions")] == [4]


def test_accepting_a_newcomer_gives_it_a_key_and_a_new_key_alone_accepts_nobody(edge: Edge) -> None:
    with edge.client() as client:
        client.put("/api/v1/charge-points/CP-1", json={"registration_status": "Rejected"})
        kept = client.put("/api/v1/charge-points/CP-1", json={"new_key": True}).json()
        assert kept["charge_point"]["registration_status"] == "Rejected"
        assert kept["password"] is not None
