"""Fuzzes a running edge through its sockets, while a healthy charge point beside it charges."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

from tests.fuzz.mutation import mutated
from tests.fuzz.targets import FRAMES, UPGRADES
from tests.harness.processes import Edge
from tests.harness.station import Station, connected

HEALTHY = "HEALTHY"
SOON_S = 60.0
AT_ONCE = 50
GROWTH_KIB = 96 * 1024
"""Of resident memory after the first third: allocators keep some, a leak does not stop."""

Progress = Callable[[int], None]


def resident_kib(pid: int) -> int:
    """The process's memory."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


async def fuzz(edge: Edge, frames: int, upgrades: int, *, seed: int, progress: Progress = lambda _: None) -> None:
    """Send so many odd frames and upgrade requests.

    Raises:
        AssertionError: the edge fell, hung, grew, or disturbed the healthy charge point.
    """
    keys = {identity: edge.add_charge_point(identity) for identity in (HEALTHY, "FUZZ1", "FUZZ2")}
    edge.add_id_tag("12345")
    async with connected(edge.ws_url, HEALTHY, keys[HEALTHY]) as station:
        await station.boot()
        done = asyncio.Event()
        charging = asyncio.create_task(charge(station, done))
        parts = (frames // 3, frames - frames // 3)
        await _send(edge, keys, parts[0], seed, progress)
        before = resident_kib(edge.pid)
        await _send(edge, keys, parts[1], seed + 1, progress)
        await _ask(edge, upgrades, seed + 2, progress)
        done.set()
        values = await asyncio.wait_for(charging, SOON_S)
    assert values > 0
    assert edge.child is not None
    assert edge.child.poll() is None, "the edge fell"
    assert resident_kib(edge.pid) - before < GROWTH_KIB
    (transaction,) = edge.items("/api/v1/transactions", charge_point=HEALTHY)
    assert (transaction["energy_wh"], transaction["reason"]) == (values, "Local")


async def charge(station: Station, done: asyncio.Event) -> int:
    """Charge on one connection until told to stop; each message has to be answered."""
    start = await station.ask(
        "StartTransaction", connector_id=1, id_tag="12345", meter_start=0, timestamp=datetime.now(UTC).isoformat()
    )
    for number in itertools.count(1):
        now = datetime.now(UTC).isoformat()
        sample = [{"timestamp": now, "sampled_value": [{"value": str(number), "unit": "Wh"}]}]
        await station.ask("MeterValues", connector_id=1, transaction_id=start.transaction_id, meter_value=sample)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), 0.1)
            await station.ask(
                "StopTransaction", transaction_id=start.transaction_id, meter_stop=number, timestamp=now, reason="Local"
            )
            return number
    raise AssertionError


async def _send(edge: Edge, keys: dict[str, str], count: int, seed: int, progress: Progress) -> None:
    """Send odd frames; after some of them a good one must be answered, on this connection or on the next."""
    odd = mutated(FRAMES, count, seed)
    for identity in itertools.cycle(("FUZZ1", "FUZZ2")):
        token = base64.b64encode(f"{identity}:{keys[identity]}".encode()).decode()
        with contextlib.suppress(websockets.ConnectionClosed):
            async with websockets.connect(
                f"{edge.ws_url}/{identity}",
                additional_headers={"Authorization": f"Basic {token}"},
                subprotocols=["ocpp1.6"],  # type: ignore[list-item]
                proxy=None,
                ping_interval=None,
                open_timeout=SOON_S,
                max_queue=None,
            ) as websocket:
                while some := list(itertools.islice(odd, AT_ONCE)):
                    for frame in some:
                        await websocket.send(frame, text=True)
                    progress(len(some))
                    await _answered(websocket)
                return


async def _answered(websocket: ClientConnection) -> None:
    """Wait for the answer to a good call."""
    await websocket.send('[2,"good","Heartbeat",{}]')
    async with asyncio.timeout(SOON_S):
        while True:
            frame: Any = json.loads(await websocket.recv())
            if frame[1] == "good":
                return


async def _ask(edge: Edge, count: int, seed: int, progress: Progress) -> None:
    """Send odd upgrade requests, each on a connection of its own; each has to end."""
    for request in mutated(UPGRADES, count, seed):
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.central_system_port)
        try:
            writer.write(request)
            writer.write_eof()
            async with asyncio.timeout(SOON_S):
                await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        progress(1)
