"""What the read API shows, and how its lists are paged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contract.events import (
    ChargePointConnected,
    ChargePointDisconnected,
    ConnectorStatusChanged,
    EdgeStarted,
    MeterValue,
    MeterValuesSampled,
    Sample,
    TransactionStarted,
    TransactionStopped,
)
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.edge_double import NOON


def start(number: int, *, charge_point: str = "CP1", id_tag: str = "A") -> TransactionStarted:
    return TransactionStarted(
        transaction=uuid4(),
        transaction_id=number,
        charge_point=charge_point,
        connector_id=1,
        id_tag=id_tag,
        id_tag_status="Accepted",
        meter_start_wh=0,
        started_at=NOON + timedelta(minutes=number // 2),
    )


def stop(started: TransactionStarted) -> TransactionStopped:
    return TransactionStopped(
        transaction=started.transaction,
        transaction_id=started.transaction_id,
        charge_point=started.charge_point,
        connector_id=1,
        id_tag=None,
        meter_stop_wh=5,
        stopped_at=NOON + timedelta(hours=1),
        reason="Local",
        energy_wh=5,
    )


async def walk(campus: Campus, path: str, limit: int, **wanted: Any) -> list[dict[str, Any]]:
    found, cursor = list[dict[str, Any]](), None
    while True:
        page = (await campus.get(path, limit=limit, **wanted, **({"cursor": cursor} if cursor else {}))).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def test_transactions_are_paged_newest_first_without_gaps_or_repeats(campus: Campus) -> None:
    started = [start(number) for number in range(9)]
    await campus.edge.tell(*started)
    paged = await walk(campus, "transactions", 2)
    assert paged == await campus.items("transactions")
    assert {UUID(each["transaction"]) for each in paged} == {each.transaction for each in started}
    instants = [each["started_at"] for each in paged]
    assert instants == sorted(instants, reverse=True)


async def test_transactions_are_filtered(campus: Campus) -> None:
    started = [start(0), start(2, charge_point="CP2"), start(4, id_tag="B")]
    await campus.edge.tell(*started, stop(started[0]))
    other = campus.another_edge("annex")
    await other.tell(start(6))

    async def numbers(**wanted: Any) -> list[int]:
        return [each["transaction_id"] for each in await campus.items("transactions", **wanted)]

    assert await numbers() == [6, 4, 2, 0]
    assert await numbers(site="tower") == [4, 2, 0]
    assert await numbers(charge_point="CP2") == [2]
    assert await numbers(id_tag="B") == [4]
    assert await numbers(open=False) == [0]
    assert await numbers(open=True, site="tower") == [4, 2]
    assert await numbers(**{"from": "2026-03-04T12:01:00Z", "to": "2026-03-04T14:02:00+02:00"}) == [2]


async def test_meter_values_are_paged_and_filtered_oldest_first(campus: Campus) -> None:
    sample = Sample(measurand="Power.Active.Import", value="7.4", unit="kW", phase="L1")
    transaction = uuid4()
    values = [MeterValue(sampled_at=NOON + timedelta(seconds=number // 2), samples=[sample]) for number in range(7)]
    await campus.edge.tell(
        MeterValuesSampled(charge_point="CP1", connector_id=1, transaction=transaction, values=values),
        MeterValuesSampled(charge_point="CP2", connector_id=2, values=values[:1]),
    )
    paged = await walk(campus, "meter-values", 3)
    assert len(paged) == 8
    assert paged == await campus.items("meter-values")
    assert paged[0]["samples"] == [sample.model_dump()]
    assert len(await campus.items("meter-values", transaction=str(transaction))) == 7
    assert len(await campus.items("meter-values", charge_point="CP2", site="tower")) == 1
    assert len(await campus.items("meter-values", **{"from": (NOON + timedelta(seconds=3)).isoformat()})) == 1


async def test_a_field_that_a_newer_edge_adds_to_a_sample_is_kept_and_does_no_harm(campus: Campus) -> None:
    box = campus.edge.outboxes[MeterValuesSampled.STREAM]
    sample = {"measurand": "SoC", "value": "80", "quality": "good"}
    box.add(
        MeterValuesSampled(charge_point="CP1", connector_id=1, values=[]),
        more={"values": [{"sampled_at": NOON.isoformat(), "samples": [sample]}]},
    )
    assert (await campus.edge.push(MeterValuesSampled.STREAM)).status_code == 200
    [shown] = await campus.items("meter-values")
    assert (shown["samples"][0]["measurand"], shown["samples"][0]["location"]) == ("SoC", "Outlet")


async def test_a_charge_point_shows_its_connectors_in_their_newest_state(campus: Campus) -> None:
    await campus.with_charge_point()
    for connector, status in ((2, "Preparing"), (0, "Available"), (2, "Charging")):
        await campus.edge.tell(
            ConnectorStatusChanged(
                charge_point="CP1", connector_id=connector, status=status, error_code="NoError", status_at=NOON
            )
        )
    shown = (await campus.get("charge-points/tower/CP1")).json()
    assert [(each["connector_id"], each["status"]) for each in shown["connectors"]] == [
        (0, "Available"),
        (2, "Charging"),
    ]
    assert (shown["vendor"], shown["registration_status"], shown["connected"]) == ("VendorA", "Accepted", True)
    assert shown["last_seen_at"] == "2026-03-04T12:00:00Z"
    assert await campus.items("charge-points", site="tower") == [shown]
    assert (await campus.get("charge-points/tower/CP9")).status_code == 404


async def test_a_restarted_edge_has_no_connections_until_it_tells_of_new_ones(campus: Campus) -> None:
    await campus.with_charge_point("CP1")
    await campus.with_charge_point("CP2")
    await campus.edge.tell(ChargePointDisconnected(charge_point="CP2", reason="closed"))
    assert [each["connected"] for each in await campus.items("charge-points")] == [True, False]
    await campus.edge.tell(
        EdgeStarted(software_version="0.2.0"), ChargePointConnected(charge_point="CP2", remote_address="10.0.0.8")
    )
    assert [each["connected"] for each in await campus.items("charge-points")] == [False, True]
    assert (await campus.items("sites"))[0]["link"]["software_version"] == "0.2.0"


async def test_a_site_shows_the_health_of_its_link(campus: Campus) -> None:
    [silent] = await campus.items("sites")
    assert (silent["name"], silent["link"]["last_heard_at"]) == ("Landmark Tower", None)
    campus.clock.forward(minutes=5)
    await campus.edge.greet()
    started = start(1)
    await campus.edge.tell(started, start(2), stop(started))
    await campus.with_charge_point()
    [heard] = await campus.items("sites")
    assert heard["link"]["last_heard_at"] == "2026-03-04T12:05:00Z"
    assert heard["link"]["streams"]["ledger"]["cursor"] == 3
    counts = heard["charge_points"], heard["charge_points_connected"], heard["transactions_open"]
    assert counts == (1, 1, 1)


async def test_an_idle_edge_that_polls_is_heard(campus: Campus) -> None:
    await campus.edge.pull()
    assert (await campus.items("sites"))[0]["link"]["last_heard_at"] == "2026-03-04T12:00:00Z"


async def test_sites_and_charge_points_are_paged(campus: Campus) -> None:
    for number in range(3):
        edge = campus.another_edge(f"annex-{number}")
        for identity in ("B", "A"):
            await edge.tell(ChargePointConnected(charge_point=identity, remote_address="10.0.0.8"))
    assert [each["site"] for each in await walk(campus, "sites", 1)] == ["annex-0", "annex-1", "annex-2", "tower"]
    keys = [(each["site"], each["charge_point"]) for each in await walk(campus, "charge-points", 2)]
    assert keys == [(f"annex-{number}", identity) for number in range(3) for identity in ("A", "B")]


@pytest.mark.parametrize("path", ["sites", "charge-points", "transactions", "meter-values", "commands"])
@pytest.mark.parametrize("cursor", ["nonsense", "", "W10", "WyJhIl0x", "é", "W251bGwsMV0", "WyJhIiwiYiIsImMiXQ"])
async def test_a_bad_cursor_is_refused_with_a_hint(campus: Campus, path: str, cursor: str) -> None:
    answer = await campus.get(path, cursor=cursor)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "cursor"
    assert "next_cursor" in answer.json()["hint"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"limit": 0},
        {"limit": 1001},
        {"from": "2026-03-04T12:00:00"},
        {"from": "yesterday"},
        {"to": "0001-01-01T00:00:00+14:00"},
        {"open": "maybe"},
    ],
)
async def test_a_bad_filter_is_named(campus: Campus, wanted: dict[str, Any]) -> None:
    answer = await campus.get("transactions", **wanted)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == next(iter(wanted))


async def test_unknown_transactions_and_paths_are_problems(campus: Campus) -> None:
    assert (await campus.get(f"transactions/{uuid4()}")).status_code == 404
    assert (await campus.get("transactions/7")).json()["errors"][0]["field"] == "transaction"
    answer = await campus.get("nowhere")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert (await campus.post("sites", {})).status_code == 405
