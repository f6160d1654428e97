"""How often a certificate is offered to a charge point that does not take it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from edge.errors import CallFailedError, CallTimeoutError, GarduEdgeError
from edge.operations import certificate_delivery
from edge.operations.certificate_delivery import CertificateDelivery
from edge.store import signing_requests
from edge.store.readers import Readers
from edge.store.writer import Writer, WriteTx
from tests.integration.edge.played_site import CP1, PlayedSite

HOUR_S = 3600


@dataclass
class Store:
    """The site's database as writer and readers, without threads."""

    site: PlayedSite
    broken: bool = False

    async def run(self, operation: Callable[[WriteTx], Any]) -> Any:
        return self.site.write(operation)

    def run_now(self, query: Callable[[sqlite3.Connection], Any]) -> Any:
        if self.broken:
            raise sqlite3.OperationalError("disk I/O error")
        return query(self.site.connection)


@dataclass
class Offer:
    """A certificate that waits for CP1, whose answer is always the same."""

    site: PlayedSite
    error: GarduEdgeError
    offered: int = 0
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(self.site)
        self.site.write(lambda tx: signing_requests.put(tx.connection, CP1, "csr", self.site.clock.now()))
        self.site.write(lambda tx: signing_requests.record_chain(tx.connection, CP1, "chain"))
        self.site.later(minutes=1)
        self.delivery = CertificateDelivery(
            cast("Writer", self.store),
            cast("Readers", self.store),
            self.site.clock,
            self._perform,
            lambda: [CP1],
            lambda: pytest.fail("it is signed already"),
        )

    async def _perform(self, charge_point: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        assert (charge_point, action, payload) == (CP1, "CertificateSigned", {"certificateChain": "chain"})
        self.offered += 1
        raise self.error

    @property
    def state(self) -> str:
        found = signing_requests.find(self.site.connection, CP1)
        assert found is not None
        return found.state


@pytest.fixture(autouse=True)
def _monotonic(site: PlayedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.clock, "monotonic", site.clock.boottime)


async def test_one_that_is_never_taken_is_offered_less_and_less_often(site: PlayedSite) -> None:
    offer = Offer(site, CallTimeoutError("no answer"))
    for _ in range(24 * HOUR_S // 10):
        await offer.delivery.look()
        site.later(seconds=10)
    assert 24 <= offer.offered <= 32
    assert offer.state == signing_requests.WAITING


async def test_a_charge_point_that_knows_no_such_operation_is_asked_once(site: PlayedSite) -> None:
    offer = Offer(site, CallFailedError("NotImplemented", ""))
    for _ in range(10):
        await offer.delivery.look()
        site.later(hours=1)
    assert offer.offered == 1
    assert offer.state == signing_requests.REFUSED
    assert site.connection.execute("SELECT kind FROM alarm").fetchone()["kind"] == "CertificateRefused"


async def test_a_store_that_cannot_be_read_does_not_end_the_job(
    site: PlayedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate_delivery, "LOOK_EVERY_S", 0.001)
    offer = Offer(site, CallTimeoutError("no answer"))
    offer.store.broken = True
    running = asyncio.create_task(offer.delivery.run())
    await asyncio.sleep(0.05)
    assert not running.done()
    offer.store.broken = False
    async with asyncio.timeout(20):
        while not offer.offered:
            await asyncio.sleep(0.001)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
