"""The jobs that run beside the charge points' messages: none of them ends the process."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from edge.central_system import server
from edge.central_system.connection import Desk
from edge.central_system.server import CentralSystem, Listener
from edge.central_system.station_security import Door
from edge.domain.orphans import Patience
from edge.domain.policy import Policy
from edge.domain.registration import UnknownChargePoints
from edge.operations import chores, remote_starts
from edge.operations.chores import Chores
from edge.operations.remote_starts import RemoteStarts
from edge.store.housekeeping import Housekeeper, Keeping
from edge.store.readers import Readers
from edge.store.writer import Writer
from tests.integration.edge.played_site import SetClock


class Failing:
    """A writer and readers that fail in turn as a database does, and as a programmer does."""

    def __init__(self) -> None:
        self.failures = 0

    async def run(self, _: Callable[..., Any]) -> Any:
        return self.run_now(_)

    def run_now(self, _: Callable[..., Any]) -> Any:
        self.failures += 1
        raise sqlite3.DatabaseError("malformed") if self.failures % 2 else TypeError("ours")


Job = Callable[[Any, Path], Coroutine[Any, Any, None]]


def note_the_clock(store: Any, _: Path) -> Coroutine[Any, Any, None]:
    return Chores(store, SetClock(), Patience(), 60).note_the_clock()


def watch_remote_starts(store: Any, _: Path) -> Coroutine[Any, Any, None]:
    return RemoteStarts(store, store, SetClock(), timedelta(seconds=60)).watch()


def flush_refusals(store: Any, _: Path) -> Coroutine[Any, Any, None]:
    desk = Desk(cast("Writer", store), SetClock(), Policy())
    door = Door(UnknownChargePoints.REFUSE)
    return CentralSystem(Listener("127.0.0.1", 0), door, desk, cast("Readers", store)).flush_refusals()


def keep_house(store: Any, folder: Path) -> Coroutine[Any, Any, None]:
    keeping = Keeping(check_every_s=0.001, ballast_bytes=0)
    path = folder / "edge.db"
    return Housekeeper(
        writer=store, readers=store, clock=SetClock(), path=path, keeping=keeping, used=lambda: 0.1
    ).run()


@pytest.mark.parametrize("job", [note_the_clock, watch_remote_starts, flush_refusals, keep_house])
async def test_a_job_that_fails_tries_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, job: Job) -> None:
    monkeypatch.setattr(chores, "NOTE_INTERVAL_S", 0.001)
    monkeypatch.setattr(remote_starts, "SWEEP_S", 0.001)
    monkeypatch.setattr(server, "REFUSALS_FLUSH_S", 0.001)
    store = Failing()
    running = asyncio.create_task(job(store, tmp_path))
    async with asyncio.timeout(20):
        while store.failures < 4 and not running.done():
            await asyncio.sleep(0.001)
    assert not running.done()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
