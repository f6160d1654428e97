"""Removing charge points, refusing newcomers, acknowledging alarms."""

from __future__ import annotations

import httpx

from contract.streams import Stream
from edge.domain.alarms import AlarmKind
from edge.domain.registration import Registration
from edge.store import alarms, charge_points, upkeep_tasks
from edge.store.upkeep_tasks import TaskKind
from edge.store.writer import WriteTx
from tests.integration.edge_api.site import NOW, Site, problem


async def test_a_removed_charge_point_is_unknown_and_its_records_stay(client: httpx.AsyncClient, site: Site) -> None:
    assert (await client.put("/api/v1/charge-points/123")).status_code == 201
    number, _ = await site.add_transaction(stopped=True)

    def more(tx: WriteTx) -> None:
        upkeep_tasks.demand(tx.connection, "123", TaskKind.PROVISION, NOW)
        alarms.raise_alarm(tx, AlarmKind.CHARGE_POINT_ABSENT, "123", "", NOW)

    await site.writer.run(more)
    assert (await client.delete("/api/v1/charge-points/123")).status_code == 204
    assert site.played.dropped == [("123", "it was removed")]
    problem(await client.get("/api/v1/charge-points/123"), 404, "unknown-charge-point")
    problem(await client.delete("/api/v1/charge-points/123"), 404, "unknown-charge-point")
    assert (await client.get(f"/api/v1/transactions/{number}")).json()["charge_point"] == "123"
    assert (await client.get("/api/v1/alarms", params={"standing": True})).json()["items"] == []
    removed = [event for event in await site.events(Stream.STATE) if event["type"] == "ChargePointRemoved.v1"]
    assert [event["data"] for event in removed] == [{"charge_point": "123"}]
    left = await site.readers.run(
        lambda db: db.execute("SELECT charge_point FROM charge_point_key UNION SELECT charge_point FROM upkeep_task")
    )
    assert left.fetchall() == []


async def test_a_charge_point_that_charges_is_not_removed(client: httpx.AsyncClient, site: Site) -> None:
    await site.add_charge_point()
    await site.add_transaction()
    problem(await client.delete("/api/v1/charge-points/123"), 409, "transaction-running")
    assert (await client.get("/api/v1/charge-points/123")).status_code == 200


async def test_all_newcomers_are_refused_at_once_and_nobody_else(client: httpx.AsyncClient, site: Site) -> None:
    def come(tx: WriteTx) -> None:
        for number in range(100):
            charge_points.put(tx.connection, f"FAKE-{number:03}", Registration.PENDING, NOW)

    await site.writer.run(come)
    await client.put("/api/v1/charge-points/KEYED", json={"registration_status": "Pending", "new_key": True})
    await site.add_charge_point("ACCEPTED")
    await client.post("/api/v1/commissioning-window", json={"minutes": 10})
    refused = await client.delete("/api/v1/commissioning-window/charge-points")
    assert (len(refused.json()["charge_points"]), len(site.played.dropped)) == (100, 100)
    assert not (await client.get("/api/v1/commissioning-window")).json()["open"]
    left = (await client.get("/api/v1/charge-points")).json()["items"]
    assert [one["charge_point"] for one in left] == ["ACCEPTED", "KEYED"]


async def another_device(site: Site) -> str:
    await site.add_charge_point()
    await site.writer.run(lambda tx: alarms.raise_alarm(tx, AlarmKind.HARDWARE_CHANGED, "123", "serial", NOW))
    (found,) = await site.readers.run(alarms.page)
    return found.alarm


async def test_another_device_is_acknowledged_by_a_person(client: httpx.AsyncClient, site: Site) -> None:
    alarm = await another_device(site)
    for _ in range(2):
        shown = await client.post(f"/api/v1/alarms/{alarm}/acknowledge")
        assert (shown.status_code, shown.json()["cleared_at"] is None) == (200, False)
    unknown = "00000000-0000-4000-8000-000000000000"
    problem(await client.post(f"/api/v1/alarms/{unknown}/acknowledge"), 404, "unknown-alarm", hint=False)


async def test_another_device_is_acknowledged_by_accepting_it(client: httpx.AsyncClient, site: Site) -> None:
    await another_device(site)
    await client.put("/api/v1/charge-points/123", json={"registration_status": "Accepted"})
    assert (await client.get("/api/v1/alarms", params={"standing": True})).json()["items"] == []


async def test_an_alarm_whose_cause_stands_cannot_be_acknowledged_away(client: httpx.AsyncClient, site: Site) -> None:
    await site.add_charge_point()
    await site.writer.run(lambda tx: alarms.raise_alarm(tx, AlarmKind.CONNECTOR_FAULTED, "123", "", NOW))
    (found,) = await site.readers.run(alarms.page)
    problem(await client.post(f"/api/v1/alarms/{found.alarm}/acknowledge"), 409, "alarm-ends-by-itself")
