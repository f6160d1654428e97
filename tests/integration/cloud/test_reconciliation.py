"""Each day of each building, at the edge and in the cloud."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from contract.digests import DayDigested, Ended, digest
from contract.events import TransactionStarted, TransactionStopped
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.edge_double import NOON

DAY = NOON.date()


def stopped(transaction: UUID, energy_wh: int | None, *, minutes: int = 0) -> TransactionStopped:
    return TransactionStopped(
        transaction=transaction,
        transaction_id=1,
        charge_point="CP1",
        connector_id=1,
        id_tag=None,
        meter_stop_wh=None,
        stopped_at=NOON + timedelta(minutes=minutes),
        reason="Local",
        energy_wh=energy_wh,
    )


def told(*events: TransactionStopped, ledger_seq: int, day: date = DAY) -> DayDigested:
    summed = digest(Ended(event.transaction, event.stopped_at, event.energy_wh) for event in events)
    return DayDigested(
        day=day,
        transactions=summed.transactions,
        energy_wh=summed.energy_wh,
        without_energy=summed.without_energy,
        hash=summed.hash,
        ledger_seq=ledger_seq,
    )


async def shown(campus: Campus, **params: Any) -> list[tuple[str, str, int, int]]:
    days = await campus.items("reconciliation", **params)
    return [(day["day"], day["agreement"], day["edge"]["energy_wh"], day["cloud"]["energy_wh"]) for day in days]


async def test_a_day_agrees_when_both_sides_hold_the_same(campus: Campus) -> None:
    events = [stopped(uuid4(), 1_000), stopped(uuid4(), None, minutes=5), stopped(uuid4(), 250, minutes=1)]
    await campus.edge.tell(*events, told(*events, ledger_seq=3))
    [day] = await campus.items("reconciliation")
    assert day["agreement"] == "agrees"
    assert day["edge"] == day["cloud"] == {"transactions": 3, "energy_wh": 1_250, "without_energy": 1}


async def test_a_day_is_pending_until_the_ledger_has_arrived(campus: Campus) -> None:
    first, second = stopped(uuid4(), 1_000), stopped(uuid4(), 500)
    await campus.edge.tell(first, told(first, second, ledger_seq=2))
    assert await shown(campus) == [("2026-03-04", "pending", 1_500, 1_000)]
    await campus.edge.tell(second)
    assert await shown(campus) == [("2026-03-04", "agrees", 1_500, 1_500)]


async def test_a_day_that_goes_on_is_pending_until_the_edge_tells_more(campus: Campus) -> None:
    first, second = stopped(uuid4(), 1_000), stopped(uuid4(), 500)
    await campus.edge.tell(first, told(first, ledger_seq=1))
    await campus.edge.tell(second)
    assert await shown(campus) == [("2026-03-04", "pending", 1_000, 1_500)]


async def test_what_the_cloud_lacks_or_holds_otherwise_differs(campus: Campus) -> None:
    one, other = stopped(uuid4(), 1_000), stopped(uuid4(), 500)
    await campus.edge.tell(one, told(one, other, ledger_seq=1))
    assert await shown(campus) == [("2026-03-04", "differs", 1_500, 1_000)]


async def test_the_same_sum_of_other_transactions_differs(campus: Campus) -> None:
    await campus.edge.tell(stopped(uuid4(), 1_000), told(stopped(uuid4(), 1_000), ledger_seq=1))
    assert await shown(campus) == [("2026-03-04", "differs", 1_000, 1_000)]


async def test_a_day_that_was_over_when_told_differs_although_the_ledger_went_on(campus: Campus) -> None:
    one, other = stopped(uuid4(), 1_000), stopped(uuid4(), 500)
    await campus.edge.tell(told(one, ledger_seq=0), at=NOON + timedelta(days=1))
    await campus.edge.tell(other)
    assert await shown(campus) == [("2026-03-04", "differs", 1_000, 500)]


async def test_days_are_paged_and_filtered(campus: Campus) -> None:
    annex = campus.another_edge("annex")
    for edge in (campus.edge, annex):
        await edge.tell(*(told(ledger_seq=0, day=DAY + timedelta(days=n)) for n in range(3)))
    everything = [(day["day"], day["site"]) for day in await campus.items("reconciliation")]
    assert everything == sorted(everything, reverse=True)
    assert len(everything) == 6
    first = (await campus.get("reconciliation", limit=4)).json()
    rest = await campus.items("reconciliation", cursor=first["next_cursor"])
    assert [(day["day"], day["site"]) for day in first["items"] + rest] == everything
    one = {"site": "annex", "from": str(DAY), "to": str(DAY)}
    assert [(day["day"], day["site"]) for day in await campus.items("reconciliation", **one)] == [(str(DAY), "annex")]


async def test_a_reopened_transaction_leaves_its_day(campus: Campus) -> None:
    transaction = uuid4()
    begun = TransactionStarted(
        transaction=transaction,
        transaction_id=1,
        charge_point="CP1",
        connector_id=1,
        id_tag="TAG",
        id_tag_status="Accepted",
        meter_start_wh=0,
        started_at=NOON,
    )
    await campus.edge.tell(begun, told(ledger_seq=1))
    assert await shown(campus) == [("2026-03-04", "agrees", 0, 0)]
