"""What is too old leaves, on either database; transactions and the ledger never do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select

from cloud.db.partitions import make_ahead
from cloud.models.charging import TransactionRow
from cloud.models.commands import CommandItemRow, CommandRow, CommandTransitionRow
from cloud.models.link import LedgerEventRow, RawEventRow
from cloud.models.metering import MeterValueRow
from cloud.upkeep import retention
from cloud.upkeep.retention import FOR_EVER, Ages, forget
from contract.events import (
    DataTransferReceived,
    MeterValue,
    MeterValuesSampled,
    Sample,
    TransactionStarted,
)
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.edge_double import NOON

MONTH = timedelta(days=31)


def started() -> TransactionStarted:
    return TransactionStarted(
        transaction=uuid4(),
        transaction_id=7,
        charge_point="CP1",
        connector_id=1,
        id_tag="A",
        id_tag_status="Accepted",
        meter_start_wh=0,
        started_at=NOON,
    )


def sampled() -> MeterValuesSampled:
    value = MeterValue(sampled_at=NOON, samples=[Sample(measurand="Power.Active.Import", value="7", unit="W")])
    return MeterValuesSampled(charge_point="CP1", connector_id=1, values=[value])


def counts(campus: Campus) -> dict[str, int]:
    tables: tuple[Any, ...] = (
        TransactionRow,
        LedgerEventRow,
        MeterValueRow,
        RawEventRow,
        CommandRow,
        CommandItemRow,
        CommandTransitionRow,
    )
    with campus.database.read() as unit:
        return {table.__tablename__: unit.scalars(select(func.count()).select_from(table)).one() for table in tables}


async def a_month_of_records(campus: Campus) -> None:
    if not campus.database.is_sqlite:
        make_ahead(campus.database, campus.clock())
    said = DataTransferReceived(charge_point="CP1", vendor_id="V", status="Accepted")
    await campus.edge.tell(started(), *[sampled()] * 12, *[said] * 3)
    answer = await campus.post("sites/tower/central-system/clients/CP1/reset", {"type": "Soft"})
    assert answer.is_success, answer.text


async def test_what_is_too_old_leaves_and_the_rest_stays(campus: Campus, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "_AT_ONCE", 5)
    campus.clock.now = NOON.replace(year=2031)
    await campus.with_charge_point()
    for _ in range(3):
        await a_month_of_records(campus)
        campus.clock.now += 2 * MONTH
    before = counts(campus)
    assert (before["meter_value"], before["raw_event"], before["command"]) == (36, 9, 3)
    assert forget(campus.database, FOR_EVER, campus.clock()) == {}
    ages = Ages(meter_values=3 * MONTH, raw_events=5 * MONTH, commands=timedelta(days=30))
    assert set(forget(campus.database, ages, campus.clock())) == {"meter_value", "raw_event"}
    after = counts(campus)
    assert (after["meter_value"], after["raw_event"]) == (12, 6)
    assert after["command"] == 3, "they have not ended"
    assert after["charging_transaction"] == before["charging_transaction"] == 3
    assert after["ledger_event"] == before["ledger_event"]
    assert forget(campus.database, ages, campus.clock()) == {}


async def test_commands_that_ended_leave_with_all_their_moves_and_their_numbers_are_not_given_again(
    campus: Campus,
) -> None:
    await campus.with_charge_point()
    for _ in range(3):
        await campus.post("sites/tower/central-system/clients/CP1/reset", {"type": "Soft"})
    for command in await campus.items("commands"):
        assert (await campus.post(f"commands/{command['command']}/cancel")).is_success
    assert counts(campus)["command_transition"] > 3
    campus.clock.forward(days=60)
    await campus.post("sites/tower/central-system/clients/CP1/reset", {"type": "Soft"})
    assert forget(campus.database, Ages(commands=timedelta(days=30)), campus.clock()) == {"command": 3}
    left = counts(campus)
    assert (left["command"], left["command_item"], left["command_transition"]) == (1, 1, 1)
    assert [item["number"] for item in (await campus.edge.pull())["items"]][-1] > 3
