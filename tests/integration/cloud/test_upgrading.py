"""Events of types that nobody knew yet are applied once a release knows them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import func, select

from cloud.app import APPLIERS, LATE_APPLIERS
from cloud.ingest.service.upgrading import apply_unknown, how_many_unknown
from cloud.models.link import DeadLetterRow, LedgerEventRow, RawEventRow, UnknownEventRow
from contract.events import DataTransferReceived, TransactionStarted
from contract.streams import Stream
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.edge_double import NOON

NEWER = {TransactionStarted.TYPE, DataTransferReceived.TYPE}


def started(number: int) -> TransactionStarted:
    return TransactionStarted(
        transaction=uuid4(),
        transaction_id=number,
        charge_point="CP1",
        connector_id=1,
        id_tag="A",
        id_tag_status="Accepted",
        meter_start_wh=0,
        started_at=NOON,
    )


def count(campus: Campus, table: Any) -> int:
    with campus.database.read() as unit:
        return unit.scalars(select(func.count()).select_from(table)).one()


def older_release(campus: Campus) -> None:
    """The cloud as it was before it knew some types."""
    app: Any = campus.client._transport.app  # type: ignore[attr-defined]
    app.state.appliers = {kind: appliers for kind, appliers in APPLIERS.items() if kind not in NEWER}


async def test_what_an_earlier_release_kept_is_applied_after_the_upgrade_and_the_ledger_stays_as_it_was(
    campus: Campus,
) -> None:
    older_release(campus)
    said = DataTransferReceived(charge_point="CP1", vendor_id="V", status="Accepted")
    box = campus.edge.outboxes[Stream.LEDGER]
    await campus.edge.tell(started(1), started(2), said)
    box.add(started(3), more={"transaction_id": "no number"})
    box.add(started(4), kind="SomethingNew.v1")
    await campus.edge.push(Stream.LEDGER)
    assert (count(campus, UnknownEventRow), count(campus, LedgerEventRow)) == (5, 4)
    assert await campus.items("transactions") == []
    with campus.database.read() as unit:
        ledger = {row.event: row for row in unit.scalars(select(LedgerEventRow)).all()}

    campus.clock.forward(days=3)
    assert sum(apply_unknown(campus.database, LATE_APPLIERS, campus.clock())) == 4
    assert {item["transaction_id"] for item in await campus.items("transactions")} == {1, 2}
    assert count(campus, RawEventRow) == 1
    assert count(campus, DeadLetterRow) == 1, "the one without a number"
    assert how_many_unknown(campus.database) == 1
    with campus.database.read() as unit:
        again = {row.event: row for row in unit.scalars(select(LedgerEventRow)).all()}
    assert len(again) == len(ledger) - 1
    for event, row in again.items():
        assert (row.raw, row.received_at, row.seq) == (ledger[event].raw, ledger[event].received_at, ledger[event].seq)
    assert list(apply_unknown(campus.database, LATE_APPLIERS, campus.clock())) == []


async def test_an_interrupted_run_goes_on_where_it_was(campus: Campus, monkeypatch: Any) -> None:
    monkeypatch.setattr("cloud.ingest.service.upgrading._AT_ONCE", 2)
    older_release(campus)
    await campus.edge.tell(*[started(number) for number in range(1, 6)])
    first = apply_unknown(campus.database, LATE_APPLIERS, campus.clock())
    assert next(first) == 2
    first.close()  # type: ignore[attr-defined]
    assert count(campus, UnknownEventRow) == 3
    assert sum(apply_unknown(campus.database, LATE_APPLIERS, campus.clock())) == 3
    assert len(await campus.items("transactions")) == 5
