"""The states of connectors are evidence, also across a reconnect: K62 to K66 (and K55's half about live states)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ocpp.exceptions import NotSupportedError
from ocpp.v16.enums import ChargePointStatus

from edge.domain.connector import STATUSES, is_odd
from edge.store import connectors
from tests.conformance.test_k_alarms import Later
from tests.harness.central import central
from tests.harness.processes import Edge
from tests.harness.station import Station, connected
from tests.harness.wire import BOOT

SOON_S = 60.0


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with Edge.create(tmp_path_factory.mktemp("edge")).start() as edge:
        edge.add_id_tag("12345")
        yield edge


class Site:
    """One charge point of the edge, by name."""

    def __init__(self, edge: Edge, identity: str) -> None:
        self.edge = edge
        self.identity = identity
        self.password = edge.add_charge_point(identity)

    @asynccontextmanager
    async def station(self, *, boots: bool = False, **boot: Any) -> AsyncIterator[Station]:
        async with connected(self.edge.ws_url, self.identity, self.password) as station:
            if boots:
                fields = {"charge_point_vendor": BOOT["chargePointVendor"], "charge_point_model": self.identity}
                await station.ask("BootNotification", **fields | boot)
            yield station

    async def connectors(self) -> dict[int, dict[str, Any]]:
        def read() -> dict[int, dict[str, Any]]:
            with self.edge.client() as client:
                shown = client.get(f"/api/v1/charge-points/{self.identity}").json()
            return {connector["connector_id"]: connector for connector in shown["connectors"]}

        return await asyncio.to_thread(read)

    async def until(self, condition: Callable[[dict[int, dict[str, Any]]], bool]) -> dict[int, dict[str, Any]]:
        async with asyncio.timeout(SOON_S):
            while not condition(found := await self.connectors()):
                await asyncio.sleep(0.05)
        return found


async def report(station: Station, connector_id: int, status: str, at: datetime | None = None, **fields: Any) -> None:
    stamp = {} if at is None else {"timestamp": at.isoformat()}
    error_code = fields.pop("error_code", "NoError")
    await station.ask(
        "StatusNotification",
        connector_id=connector_id,
        error_code=error_code,
        status=ChargePointStatus(status),
        **stamp,
        **fields,
    )


def ago(**by: float) -> datetime:
    return datetime.now(UTC) - timedelta(**by)


async def test_k62_every_pair_of_statuses_is_accepted_and_the_odd_ones_are_counted(edge: Edge) -> None:
    site = await asyncio.to_thread(Site, edge, "K62")
    pairs = [(before, after) for before in STATUSES for after in STATUSES]
    async with site.station(boots=True, firmware_version="1.2.3") as station:
        for number, (before, after) in enumerate(pairs, start=1):
            await report(station, number, before)
            await report(station, number, after)
    shown = await site.connectors()
    assert [shown[number]["status"] for number in range(1, len(pairs) + 1)] == [after for _, after in pairs]
    counted = await asyncio.to_thread(edge.items, "/api/v1/odd-status-changes")
    mine = [row for row in counted if row["model"] == "K62"]
    assert {(row["before"], row["after"]) for row in mine} == {pair for pair in pairs if is_odd(*pair)}
    assert all((row["vendor"], row["firmware_version"], row["count"]) == ("VendorA", "1.2.3", 1) for row in mine)


async def test_k63_a_status_of_connector_0_never_changes_the_connectors(edge: Edge) -> None:
    site = await asyncio.to_thread(Site, edge, "K63")
    async with site.station(boots=True) as station:
        await report(station, 1, "Charging")
        for status in ("Available", "Unavailable", "Faulted"):
            await report(station, 0, status)
            shown = await site.connectors()
            assert (shown[0]["status"], shown[1]["status"]) == (status, "Charging")
            assert shown[1]["condition"]["health"]["value"] == "ok"


async def test_k64_a_warning_neither_stops_nor_hides_charging(edge: Edge) -> None:
    site = await asyncio.to_thread(Site, edge, "K64")
    async with site.station(boots=True) as station:
        started = await station.ask(
            "StartTransaction", connector_id=1, id_tag="12345", meter_start=0, timestamp=ago(minutes=1).isoformat()
        )
        await report(station, 1, "Charging", error_code="HighTemperature")
        condition = (await site.connectors())[1]["condition"]
        values = {part: evidence["value"] for part, evidence in condition.items()}
        assert values == {"occupancy": "plugged", "session": "open", "energy": "flowing", "health": "warning"}
        assert condition["session"]["source"] == "transaction"
        assert condition["health"]["age_s"] is not None
        with edge.client() as client:
            running = client.get("/api/v1/transactions", params={"charge_point": "K64"}).json()["items"]
        assert [(one["transaction_id"], one["stopped_at"]) for one in running] == [(started.transaction_id, None)]


async def test_k65_stale_states_clear_by_evidence_alone(edge: Edge) -> None:
    site = await asyncio.to_thread(Site, edge, "K65")
    async with site.station(boots=True) as station:
        await report(station, 1, "Charging")
        await report(station, 2, "Available")
        assert all(connector["stale_since"] is None for connector in (await site.connectors()).values())
    away = await site.until(lambda shown: shown[1]["stale_since"] is not None)
    assert (away[1]["status"], away[2]["status"]) == ("Charging", "Available")  # kept: a car is probably charging
    async with site.station() as station:
        await station.ask("Heartbeat")
        assert all(connector["stale_since"] for connector in (await site.connectors()).values())
        await report(station, 1, "Finishing")
        shown = await site.connectors()
        assert (shown[1]["stale_since"], shown[2]["stale_since"] is None) == (None, False)


async def test_k65_states_are_asked_for_all_together_and_then_one_by_one(edge: Edge) -> None:
    site = await asyncio.to_thread(Site, edge, "K65-asked")
    async with site.station(boots=True) as station:
        for number in (0, 1, 2, 3):
            await report(station, number, "Available")
    await site.until(lambda shown: shown[1]["stale_since"] is not None)
    async with site.station() as station:
        await report(station, 1, "Preparing")  # this one it tells by itself
        async with asyncio.timeout(SOON_S):
            while not station.asked:
                await asyncio.sleep(0.05)
        await report(station, 0, "Available")
        await report(station, 2, "Available")  # and this one when it is asked for all
        async with asyncio.timeout(SOON_S):
            while len(station.asked) < 2:
                await asyncio.sleep(0.05)
        asked = [(action, request.get("connector_id")) for action, request in station.asked]
        assert asked == [("TriggerMessage", None), ("TriggerMessage", 3)]
        assert {request["requested_message"] for _, request in station.asked} == {"StatusNotification"}
        assert (await site.connectors())[3]["stale_since"] is not None
        await report(station, 3, "Available")
        assert (await site.connectors())[3]["stale_since"] is None


async def test_k65_one_that_refuses_to_tell_stays_stale_and_is_left_in_peace(edge: Edge) -> None:
    await asyncio.gather(*(refuses_to_tell(edge, answer) for answer in ("Rejected", "NotImplemented", "CALLERROR")))


async def refuses_to_tell(edge: Edge, answer: str) -> None:
    site = await asyncio.to_thread(Site, edge, f"K65-{answer}")
    async with site.station(boots=True) as station:
        for number in (1, 2):
            await report(station, number, "Charging")
    await site.until(lambda shown: shown[1]["stale_since"] is not None)
    async with site.station() as station:
        if answer == "CALLERROR":
            station.refusal = NotSupportedError()
        else:
            station.answers["TriggerMessage"] = {"status": answer}
        most = {"Rejected": 3, "NotImplemented": 2, "CALLERROR": 1}[answer]  # for all, then each; not each; no more
        async with asyncio.timeout(SOON_S):
            while len(station.asked) < most:
                await asyncio.sleep(0.05)
        await station.ask("Heartbeat")
        shown = await site.connectors()
        assert all(shown[number]["stale_since"] and shown[number]["status"] == "Charging" for number in (1, 2))
        await report(station, 1, "Finishing")
        shown = await site.connectors()
        assert (shown[1]["stale_since"], shown[1]["status"], shown[2]["stale_since"] is None) == (
            None,
            "Finishing",
            False,
        )
        assert len(station.asked) == most


async def test_k66_a_status_with_an_older_time_does_not_replace_a_newer_one(edge: Edge) -> None:
    site = await asyncio.to_thread(Site, edge, "K66")
    async with site.station(boots=True) as station:
        await report(station, 1, "Finishing", ago(minutes=1))
        await report(station, 1, "Charging", ago(minutes=2))
        assert (await site.connectors())[1]["status"] == "Finishing"
        await report(station, 1, "Available", ago(seconds=30))
        assert (await site.connectors())[1]["status"] == "Available"
        await report(station, 1, "Preparing")  # without a time, it is of now
        assert (await site.connectors())[1]["status"] == "Preparing"


async def test_k66_the_first_status_after_a_boot_is_taken_whatever_its_time(edge: Edge) -> None:
    site = await asyncio.to_thread(Site, edge, "K66-boot")
    async with site.station(boots=True) as station:
        await report(station, 1, "Finishing", ago(minutes=1))
    async with site.station(boots=True) as station:
        await report(station, 1, "Available", ago(minutes=3))
        assert (await site.connectors())[1]["status"] == "Available"


async def test_k66_where_the_clock_is_not_believed_the_order_of_arrival_decides(tmp_path: Path) -> None:
    clock = Later()  # one thing a minute is learned of a clock
    async with central(tmp_path, clock=clock) as house, await house.charge_point("K66") as wire:
        await wire.boot()

        async def tell(status: str, **off: float) -> None:
            at = (clock.now() + timedelta(**off)).isoformat()
            fields = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": at}
            assert (await wire.call("StatusNotification", fields))[0] == 3

        for _ in range(4):  # a clock that is half an hour ahead
            await tell("Available", minutes=30)
            clock.pass_on(minutes=2)
        assert len(house.alarms("ClockSuspect")) == 1
        await tell("Finishing", minutes=-1)
        await tell("Charging", minutes=-2)
        state = house.readers.run_now(lambda db: connectors.find(db, "K66", 1))
        assert state is not None
        assert state.status == "Charging"


async def test_k55_records_that_come_late_do_not_move_the_live_state_backwards(edge: Edge) -> None:
    site = await asyncio.to_thread(Site, edge, "K55")
    async with site.station(boots=True) as station:
        await report(station, 1, "Available", ago(seconds=20))  # overtakes what is queued
        await report(station, 1, "Charging", ago(hours=2))
        await station.ask(
            "StartTransaction", connector_id=1, id_tag="12345", meter_start=0, timestamp=ago(hours=2).isoformat()
        )
        await report(station, 1, "Finishing", ago(hours=1))
        assert (await site.connectors())[1]["status"] == "Available"
