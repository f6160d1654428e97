"""K90 and K93: what charge points report about security ("Improved security for OCPP 1.6-J" A04, L01, N01)."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from edge.store.database import connect
from tests.harness.processes import Edge
from tests.harness.wire import Wire, basic, wired

NOW = datetime.now(UTC).isoformat()
EVENT = {"type": "FirmwareUpdated", "timestamp": NOW, "techInfo": "1.2"}


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    edge = Edge.create(tmp_path_factory.mktemp("edge"))
    with edge.start():
        edge.add_id_tag("12345")
        yield edge


_names = itertools.count(1)


@pytest.fixture
async def wire(edge: Edge) -> AsyncIterator[Wire]:
    """A charge point of its own."""
    name = f"CP{next(_names)}"
    key = await asyncio.to_thread(edge.add_charge_point, name)
    async with wired(f"{edge.ws_url}/{name}", basic(name, key)) as wire:
        await wire.boot()
        yield wire


def recorded(edge: Edge, wire: Wire, kind: str) -> list[dict[str, Any]]:
    """The events of one type in the outbox that are about this charge point."""
    request = wire.websocket.request
    assert request is not None
    name = request.path.rpartition("/")[2]
    connection = connect(edge.folder / "data" / "edge.db", read_only=True)
    try:
        rows = connection.execute("SELECT event FROM outbox ORDER BY seq").fetchall()
    finally:
        connection.close()
    events = [json.loads(row["event"]) for row in rows]
    return [event["data"] for event in events if event["type"] == kind and event["subject"].endswith(f"/{name}")]


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("SecurityEventNotification", EVENT, {}),
        ("SecurityEventNotification", {"type": "x" * 60, "timestamp": "yesterday", "techInfo": "y" * 300}, {}),
        ("SecurityEventNotification", {"type": 7, "timestamp": None}, {}),
        ("SecurityEventNotification", {}, {}),
        ("SecurityEventNotification", None, {}),
        ("LogStatusNotification", {"status": "Uploaded", "requestId": 1}, {}),
        ("LogStatusNotification", {"status": "Idle"}, {}),
        ("LogStatusNotification", {"status": "Thinking"}, {}),
        ("LogStatusNotification", {}, {}),
        ("SignedFirmwareStatusNotification", {"status": "Installed", "requestId": 1}, {}),
        ("SignedFirmwareStatusNotification", {"status": "InvalidSignature"}, {}),
        ("SignedFirmwareStatusNotification", {"status": "Melted", "requestId": "one"}, {}),
        ("SignCertificate", {"csr": "no request"}, {"status": "Rejected"}),
        ("SignCertificate", {}, {"status": "Rejected"}),
    ],
)
async def test_k90_every_security_message_is_answered(wire: Wire, action: str, payload: Any, answer: Any) -> None:
    assert await wire.result(action, payload) == answer


async def test_k90_an_event_of_an_unknown_type_is_stored(edge: Edge, wire: Wire) -> None:
    await wire.result("SecurityEventNotification", EVENT | {"type": "DoorOpenedByCat", "techInfo": "whiskers"})
    assert recorded(edge, wire, "SecurityEventRecorded.v1")[-1] | {"count": 1} == {
        "kind": "DoorOpenedByCat",
        "charge_point": wire.websocket.request.path.rpartition("/")[2],  # type: ignore[union-attr]
        "detail": "whiskers",
        "count": 1,
        "reported_by_charge_point": True,
    }


async def test_k90_the_status_of_a_log_and_of_signed_firmware_go_up_with_their_request(edge: Edge, wire: Wire) -> None:
    await wire.result("LogStatusNotification", {"status": "UploadFailure", "requestId": 41})
    await wire.result("SignedFirmwareStatusNotification", {"status": "SignatureVerified", "requestId": 42})
    (log,) = recorded(edge, wire, "LogStatusChanged.v1")
    (firmware,) = recorded(edge, wire, "FirmwareStatusChanged.v1")
    assert (log["status"], log["request_id"]) == ("UploadFailure", 41)
    assert (firmware["status"], firmware["request_id"]) == ("SignatureVerified", 42)


async def test_k93_a_flood_of_security_events_is_answered_merged_and_delays_no_transaction(
    edge: Edge, wire: Wire
) -> None:
    flood = 2000
    frames = [json.dumps([2, f"e{number}", "SecurityEventNotification", EVENT]) for number in range(flood)]
    start = {"connectorId": 1, "idTag": "12345", "meterStart": 0, "timestamp": NOW}
    frames.append(json.dumps([2, "start", "StartTransaction", start]))
    sending = asyncio.create_task(_send(wire, frames))
    answers = [await wire.frame() for _ in frames]
    await sending
    assert [answer[:2] for answer in answers[:-1]] == [[3, f"e{number}"] for number in range(flood)]
    assert answers[-1][:2] == [3, "start"]
    assert answers[-1][2]["idTagInfo"]["status"] == "Accepted"
    told = recorded(edge, wire, "SecurityEventRecorded.v1")
    assert 1 <= len(told) <= 3  # one a minute, the rest wait to be told with their count
    assert sum(one["count"] for one in told) <= flood


async def _send(wire: Wire, frames: list[str]) -> None:
    for frame in frames:
        await wire.websocket.send(frame)
