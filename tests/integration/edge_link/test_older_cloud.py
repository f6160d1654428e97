"""Today's edge at the cloud of the first release: fewer fields, no directory, no live channel, no granted epochs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contract.streams import Stream
from edge.store import outbox
from edge.sync.https import HttpsCarrier
from edge.sync.live import LiveTeller
from edge.sync.proof import SharedSecret
from edge.sync.syncer import LinkCondition
from tests.integration.edge_link.cloud_server import SECRET, CloudServer
from tests.integration.edge_link.conftest import Site, running, until
from tests.integration.edge_link.test_commands import Yard

FIRST_RELEASE = Path(__file__).parents[2] / "unit" / "cloud" / "golden" / "first_release"


class FirstRelease(CloudServer):
    """Answers what the first release did, field by field; it passes over what it does not know of a request."""

    async def _greeting(self, request: Request) -> Response:
        return _as_then("greeting_answer", await super()._greeting(request))

    async def _events(self, request: Request) -> Response:
        return _as_then("push_answer", await super()._events(request))

    async def _commands(self, request: Request) -> Response:
        return _as_then("commands_answer", await super()._commands(request))


def _as_then(name: str, answer: Response) -> Response:
    if answer.status_code != 200:
        return answer
    then = json.loads((FIRST_RELEASE / f"{name}.json").read_bytes())
    now = json.loads(bytes(answer.body))
    return JSONResponse({key: value for key, value in now.items() if key in then})


@pytest.fixture
async def older() -> AsyncIterator[FirstRelease]:
    async with FirstRelease().serving() as server:
        assert isinstance(server, FirstRelease)
        yield server


async def test_everything_that_the_first_release_could_do_is_done(site: Site, older: FirstRelease) -> None:
    yard = Yard()
    carrier = HttpsCarrier(base_url=older.url, edge="north", proof=SharedSecret(SECRET))
    async with site.relaying(yard.perform, agreed=False), site.link(older.url) as syncer:
        live = LiveTeller(
            readers=site.readers, clock=site.clock, carrier=carrier, is_connected=lambda: True, every_s=0.05
        )
        async with running(live.run()):
            for stream in Stream:
                await site.record(stream, 700)
            command = older.order("Reset", type="Soft")
            await until(lambda: (command, "SUCCEEDED") in older.progress(), within_s=30)
            await until(lambda: len(older.pulls) > 1, within_s=30)
            await until(lambda: all(site.acknowledged(stream) >= 700 for stream in Stream), within_s=30)
            for stream in Stream:
                assert older.events(stream) == site.events(stream)[: len(older.events(stream))]
            assert syncer.status().condition is LinkCondition.CONNECTED
            assert len(older.greetings) == 1, "what is missing there is no reason to greet again"
    assert len(yard.calls) == 1
    await carrier.close()


async def test_a_restored_edge_sends_nothing_doubtful_to_a_cloud_that_grants_no_epochs(
    site: Site, older: FirstRelease
) -> None:
    async with site.link(older.url):
        await site.record(Stream.LEDGER, 5)
        await until(lambda: site.acknowledged(Stream.LEDGER) == 5, within_s=30)
    there = older.events(Stream.LEDGER)
    await site.writer.run(lambda tx: _forget(tx.connection))
    await site.record(Stream.LEDGER, 1)
    async with site.link(older.url) as syncer:
        await until(lambda: syncer.status().condition is LinkCondition.FORKED, within_s=30)
        await site.record(Stream.LEDGER, 2)
    assert older.events(Stream.LEDGER) == there
    assert site.readers.run_now(outbox.heads)[Stream.LEDGER].head == 5, "recording goes on"


def _forget(connection: sqlite3.Connection) -> None:
    """Put the ledger back to its second event, as a backup would."""
    connection.execute("DELETE FROM outbox WHERE stream = 'ledger' AND seq > 2")
    connection.execute(
        """UPDATE stream SET head = 2, acknowledged = 2,
               head_hash = (SELECT hash FROM outbox WHERE stream = 'ledger' AND seq = 2),
               acknowledged_hash = (SELECT hash FROM outbox WHERE stream = 'ledger' AND seq = 2)
           WHERE stream = 'ledger'"""
    )
