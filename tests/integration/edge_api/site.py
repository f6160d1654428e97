"""A site with a real store behind its API; the charge points are played."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
from fastapi import FastAPI

from contract.problems import PROBLEM_MEDIA_TYPE
from contract.streams import Stream
from edge.api.app import create_api
from edge.api.collaborators import LinkStatus
from edge.api.doors import Doors
from edge.clock import Clock
from edge.domain.registration import Registration
from edge.domain.timestamps import iso
from edge.store import charge_points, meter_values, outbox, transaction_changes
from edge.store.readers import Readers
from edge.store.writer import Writer, WriteTx
from tests.harness.plain_http import PLAIN

_built: dict[Doors, FastAPI] = {}


def _no_authority(*_: Any) -> Any:
    raise NotImplementedError


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class StillClock(Clock):
    def now(self) -> datetime:
        return NOW


@dataclass
class PlayedChargePoints:
    """Stands for whoever holds the connections and performs operations."""

    identities: list[str] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=lambda: {"status": "Accepted"})
    error: Exception | None = None
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)

    def connected(self) -> list[str]:
        return sorted(self.identities)

    async def drop(self, charge_point: str, reason: str) -> None:
        self.dropped.append((charge_point, reason))

    async def call(
        self,
        charge_point: str,
        action: str,
        payload: dict[str, Any],
        *,
        may_send: Callable[[], bool] = lambda: True,
    ) -> dict[str, Any]:
        raise NotImplementedError

    async def perform(self, charge_point: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((charge_point, action, payload))
        if self.error is not None:
            raise self.error
        return self.answer


@dataclass
class Site:
    readers: Readers
    writer: Writer
    played: PlayedChargePoints
    link: LinkStatus = field(default_factory=lambda: LinkStatus("offline", NOW, None, "no route to host"))
    ready: bool = True

    def api(self, doors: Doors | None = None) -> FastAPI:
        """Building the routes takes most of a test's time, so the same doors keep their API and change its site."""
        doors = doors or Doors()
        if doors not in _built:
            _built[doors] = create_api(
                site="landmark",
                readers=self.readers,
                writer=self.writer,
                clock=StillClock(),
                caller=self.played,
                perform=self.played.perform,
                link_status=lambda: self.link,
                ready=lambda: self.ready,
                doors=doors,
                authority=_no_authority,
                on_root_change=_no_authority,
            )
        api = _built[doors]
        api.state.collaborators = replace(
            api.state.collaborators,
            readers=self.readers,
            writer=self.writer,
            caller=self.played,
            perform=self.played.perform,
            link_status=lambda: self.link,
            ready=lambda: self.ready,
        )
        return api

    def client(self, doors: Doors | None = None, *, raising: bool = True) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.api(doors), raise_app_exceptions=raising)
        return httpx.AsyncClient(verify=PLAIN, transport=transport, base_url="http://localhost:3000")

    async def add_charge_point(self, identity: str = "123") -> None:
        await self.writer.run(lambda tx: charge_points.put(tx.connection, identity, Registration.ACCEPTED, NOW))

    async def add_transaction(
        self, *, charge_point: str = "123", id_tag: str = "12345", stopped: bool = False
    ) -> tuple[int, UUID]:
        uuid = uuid4()
        start = transaction_changes.Start(
            uuid=uuid,
            key=str(uuid),
            charge_point=charge_point,
            connector_id=1,
            id_tag=id_tag,
            id_tag_status="Accepted",
            parent_id_tag=None,
            meter_start_wh=0,
            started_at=NOW,
            reservation_id=None,
            flags=[],
        )

        def write(tx: WriteTx) -> int:
            number = transaction_changes.insert(tx.connection, start, NOW)
            if stopped:
                stop = transaction_changes.Stop(meter_stop_wh=25, stopped_at=NOW, reason="Local", energy_wh=25)
                transaction_changes.close(tx.connection, number, stop, NOW)
            return number

        return await self.writer.run(write), uuid

    async def add_meter_value(self, transaction_id: int, second: int, *, connector_id: int = 1) -> None:
        samples = [{"measurand": "Energy.Active.Import.Register", "value": str(second), "unit": "Wh"}]
        place = (iso(NOW + timedelta(seconds=second)), "123", connector_id)

        def insert(tx: WriteTx) -> None:
            meter_values.insert(tx.cursor, place, transaction_id, orjson.dumps(samples))

        await self.writer.run(insert)

    async def events(self, stream: Stream) -> list[dict[str, Any]]:
        rows = await self.readers.run(
            lambda connection: outbox.read_after(connection, stream, 0, limit=1000, max_bytes=10**9)
        )
        return [orjson.loads(row.event) for row in rows]


def problem(answer: httpx.Response, status: int, kind: str, *, hint: bool = True) -> dict[str, Any]:
    """Assert that an answer is this problem document, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM_MEDIA_TYPE
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"urn:gardu:problem:{kind}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert ("hint" in document) is hint
    return document
