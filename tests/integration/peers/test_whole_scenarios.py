"""Whole scenarios with charge points that we did not write: npm's `ocpp-rpc` and the `ocpp` package's client.

Both check every payload against the official schemas, what they send and what they are sent. Both run the same bodies.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contract.operations import OPERATIONS
from tests.harness.operations import BODIES
from tests.integration.peers.conftest import Place
from tests.peers.peer import ANSWERS, Peer, PeerRefusedError, until

BOOT = {"chargePointVendor": "VendorA", "chargePointModel": "DoubleSocket", "firmwareVersion": "1.0"}


@dataclass
class Visit:
    """One car at one connector, as the charge point knows it."""

    name: str
    connector_id: int
    id_tag: str
    start: dict[str, Any] = field(default_factory=dict)
    stop: dict[str, Any] = field(default_factory=dict)
    sampled_at: list[str] = field(default_factory=list)
    started: dict[str, Any] = field(default_factory=dict)
    """The answer to its start."""


class Bay:
    """Drives a peer through visits on a clock of its own, and remembers what it was told is stored."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.visits: list[Visit] = []
        self._clock = datetime.now(UTC) - timedelta(hours=20)
        self._register_wh = 250_000

    def later(self, **by: float) -> str:
        self._clock += timedelta(**by)
        return self._clock.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    async def boot(self) -> None:
        answer = await self.peer.call("BootNotification", BOOT)
        assert answer["status"] == "Accepted"
        for connector_id in (0, 1, 2):
            await self.status(connector_id, "Available")

    async def status(self, connector_id: int, status: str) -> None:
        # Without its time: the day's clock is not the machine's, and must not be taken for one that is wrong.
        report = {"connectorId": connector_id, "errorCode": "NoError", "status": status}
        assert await self.peer.call("StatusNotification", report) == {}

    async def authorize(self, id_tag: str) -> str:
        answer = await self.peer.call("Authorize", {"idTag": id_tag})
        return str(answer["idTagInfo"]["status"])

    async def begin(self, connector_id: int, id_tag: str) -> Visit:
        visit = Visit(f"visit {len(self.visits)}", connector_id, id_tag)
        self.visits.append(visit)
        visit.start = {
            "connectorId": connector_id,
            "idTag": id_tag,
            "meterStart": self._register_wh,
            "timestamp": self.later(seconds=30),
        }
        visit.started = await self.peer.record("StartTransaction", visit.start, begins=visit.name)
        return visit

    async def meter(self, visit: Visit) -> None:
        self._register_wh += 180
        at = self.later(minutes=1)
        visit.sampled_at.append(at)
        energy = {"value": str(self._register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        power = {"value": "10800.0", "measurand": "Power.Active.Import", "unit": "W", "context": "Sample.Periodic"}
        value = {"timestamp": at, "sampledValue": [energy, power]}
        payload = {"connectorId": visit.connector_id, "meterValue": [value]}
        assert await self.peer.record("MeterValues", payload, within=visit.name) == {}

    async def end(self, visit: Visit, reason: str = "Local", *, with_data: bool = False) -> None:
        self._register_wh += 7
        visit.stop = {"meterStop": self._register_wh, "timestamp": self.later(minutes=1), "reason": reason}
        if reason == "Local":
            visit.stop["idTag"] = visit.id_tag
        if with_data:
            visit.sampled_at.append(visit.stop["timestamp"])
            sample = {"value": str(self._register_wh), "context": "Transaction.End"}
            visit.stop["transactionData"] = [{"timestamp": visit.stop["timestamp"], "sampledValue": [sample]}]
        answer = await self.peer.record("StopTransaction", visit.stop, within=visit.name)
        if reason == "Local":
            assert answer["idTagInfo"]["status"] == "Accepted"
        else:
            assert answer == {}  # without an id tag there is nothing to say about one (§4.10)

    async def whole(self, connector_id: int, id_tag: str, samples: int, reason: str = "Local") -> Visit:
        """A visit from the plug to the empty connector."""
        await self.status(connector_id, "Preparing")
        assert await self.authorize(id_tag) == "Accepted"
        visit = await self.begin(connector_id, id_tag)
        await self.status(connector_id, "Charging")
        for _ in range(samples):
            await self.meter(visit)
        await self.end(visit, reason, with_data=reason == "Local")
        await self.status(connector_id, "Finishing")
        await self.status(connector_id, "Available")
        return visit


async def equals_the_store(place: Place, bay: Bay) -> None:
    """Each visit is one transaction of the site, with its energy and all its meter values, and there is no other."""
    stored = await asyncio.to_thread(place.edge.items, "/api/v1/transactions", charge_point=place.identity)
    assert [one["transaction_id"] for one in reversed(stored)] == [one.started["transactionId"] for one in bay.visits]
    for transaction, visit in zip(reversed(stored), bay.visits, strict=True):
        assert (transaction["connector_id"], transaction["id_tag"]) == (visit.connector_id, visit.id_tag)
        assert _instant(transaction["started_at"]) == _instant(visit.start["timestamp"])
        assert _instant(transaction["stopped_at"]) == _instant(visit.stop["timestamp"])
        assert transaction["energy_wh"] == visit.stop["meterStop"] - visit.start["meterStart"]
        assert (transaction["reason"], transaction["estimated"]) == (visit.stop["reason"], False)
        path = f"/api/v1/transactions/{transaction['transaction_id']}/meter-values"
        values = await asyncio.to_thread(place.edge.items, path)
        assert [_instant(value["sampled_at"]) for value in values] == [_instant(at) for at in visit.sampled_at]
    assert bay.peer.complaints == []


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_charging_day_of_one_charge_point(place: Place) -> None:
    peer = await place.peer()
    bay = Bay(peer)
    await peer.connect()
    await bay.boot()
    assert await bay.authorize("BLOCKED") == "Blocked"
    assert await bay.authorize("NOBODY") == "Invalid"
    await bay.whole(1, "DRIVER-1", samples=6)
    await bay.whole(2, "DRIVER-2", samples=3, reason="EVDisconnected")
    assert "currentTime" in await peer.call("Heartbeat", {})
    side_by_side = [await bay.begin(1, "DRIVER-1"), await bay.begin(2, "DRIVER-2")]
    for _ in range(5):
        for visit in side_by_side:
            await bay.meter(visit)
    await bay.boot()  # a power cut of a second: it comes up again and ends what it had begun
    for visit in side_by_side:
        await bay.end(visit, "PowerLoss")
    await bay.whole(1, "DRIVER-2", samples=2, reason="Other")
    for action in ("FirmwareStatusNotification", "DiagnosticsStatusNotification"):
        assert await peer.call(action, {"status": "Idle"}) == {}
    assert (await peer.call("DataTransfer", {"vendorId": "nobody's"}))["status"] == "UnknownVendorId"
    await equals_the_store(place, bay)


async def test_a_remote_start_and_a_remote_stop_over_rest(place: Place) -> None:
    peer = await place.peer()
    bay = Bay(peer)
    await peer.connect()
    await bay.boot()
    assert await ask(place, "start-transaction", {"idTag": "DRIVER-1"}) == (200, {"status": "Accepted"})
    (request,) = await requests(peer, "RemoteStartTransaction", 1)
    assert request["idTag"] == "DRIVER-1"
    assert request["connectorId"] in (1, 2)
    assert await bay.authorize("DRIVER-1") == "Accepted"
    visit = await bay.begin(request["connectorId"], "DRIVER-1")
    await bay.meter(visit)
    number = {"transactionId": visit.started["transactionId"]}
    await peer.answer("RemoteStopTransaction", {"status": "Rejected"})
    assert await ask(place, "stop-transaction", number) == (200, {"status": "Rejected"})
    await peer.answer("RemoteStopTransaction", {"status": "Accepted"})
    assert await ask(place, "stop-transaction", number) == (200, {"status": "Accepted"})
    assert await requests(peer, "RemoteStopTransaction", 2) == [number, number]
    await bay.end(visit, "Remote")
    await equals_the_store(place, bay)


async def test_it_reconnects_in_the_middle_and_delivers_what_it_kept(place: Place) -> None:
    peer = await place.peer()
    bay = Bay(peer)
    await peer.connect()
    await bay.boot()
    visit = await bay.begin(1, "DRIVER-1")
    await bay.meter(visit)
    await peer.cut()
    await until(lambda: peer.openings == 2)
    await bay.meter(visit)
    await asyncio.to_thread(place.edge.kill)
    async with asyncio.TaskGroup() as offline:
        for _ in range(3):
            offline.create_task(bay.meter(visit))
        await asyncio.sleep(0)
        offline.create_task(bay.end(visit, "Local", with_data=True))
        await asyncio.sleep(0)
        offline.create_task(bay_charges_offline(bay))
        await asyncio.to_thread(place.edge.start)
    assert peer.openings >= 3  # without a boot, as OCPP-J 1.6 §5.4 allows
    await bay.whole(2, "DRIVER-2", samples=1)
    await equals_the_store(place, bay)


async def bay_charges_offline(bay: Bay) -> None:
    """A transaction that begins while nobody hears it: its number comes with the answer to its start."""
    starting = asyncio.create_task(bay.begin(2, "DRIVER-2"))
    await asyncio.sleep(0)
    visit = bay.visits[-1]
    ending = [asyncio.create_task(bay.meter(visit)) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.gather(starting, *ending, bay.end(visit, "EVDisconnected"))


async def test_a_wrong_password_and_a_strange_identity_stay_outside(place: Place) -> None:
    for identity, password, status in (
        (None, "0" * 40, 401),
        ("a stranger", None, 404),
    ):
        outsider = await place.peer(identity=identity, password=password)
        with pytest.raises(PeerRefusedError) as refused:
            await outsider.connect()
        assert refused.value.http_status == status
    peer = await place.peer()
    await peer.connect()
    assert (await peer.call("BootNotification", BOOT))["status"] == "Accepted"


async def test_every_operation_is_valid_to_it_and_its_answer_comes_back(place: Place) -> None:
    peer = await place.peer()
    await peer.connect()
    await Bay(peer).boot()
    for path, operation in OPERATIONS.items():
        peer.asked.clear()
        assert (path, *await ask(place, path, BODIES[path])) == (path, 200, ANSWERS[operation.action])
        assert BODIES[path] in await requests(peer, operation.action, 1)  # the edge may ask more beside it
    assert peer.complaints == []


async def test_a_call_that_it_does_not_know_is_told(place: Place) -> None:
    peer = await place.peer()
    await peer.connect()
    with pytest.raises(PeerRefusedError) as refused:
        await peer.call("CancelReservation", {"reservationId": 1})  # a call of the other direction
    assert refused.value.ocpp_code in ("NotSupported", "NotImplemented")


async def requests(peer: Peer, action: str, count: int) -> list[dict[str, Any]]:
    """What the charge point was asked under this name, once it says that it was asked so often."""
    await until(lambda: sum(asked == action for asked, _ in peer.asked) >= count)
    return [request for asked, request in peer.asked if asked == action]


async def ask(place: Place, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Ask the charge point for an operation over REST."""

    def post() -> tuple[int, Any]:
        with place.edge.client() as client:
            answer = client.post(f"/api/v1/central-system/clients/{place.identity}/{path}", json=body)
        return answer.status_code, answer.json()

    return await asyncio.to_thread(post)
