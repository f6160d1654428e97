from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from contract.events import TransactionReopened, TransactionStopped
from tests.integration.cloud.conftest import Campus

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("estimated", "running"), [(True, True), (False, False)])
async def test_an_estimated_end_is_taken_back_and_a_reported_one_stays(
    campus: Campus, *, estimated: bool, running: bool
) -> None:
    transaction = uuid4()
    stop = TransactionStopped(
        transaction=transaction,
        transaction_id=7,
        charge_point="CP1",
        connector_id=1,
        id_tag=None,
        meter_stop_wh=900,
        stopped_at=NOON,
        reason="Other",
        energy_wh=100,
        estimated=estimated,
        flags=["lost_stop"],
    )
    reopened = TransactionReopened(
        transaction=transaction, transaction_id=7, charge_point="CP1", connector_id=1, why="It goes on."
    )
    await campus.edge.tell(stop)
    await campus.edge.tell(reopened, reopened)
    shown = (await campus.get(f"transactions/{transaction}")).json()
    assert (shown["stopped_at"] is None, shown["energy_wh"] is None, shown["estimated"]) == (running, running, False)


async def test_reopening_what_the_cloud_does_not_know_changes_nothing(campus: Campus) -> None:
    event = TransactionReopened(
        transaction=uuid4(), transaction_id=7, charge_point="CP1", connector_id=1, why="It goes on."
    )
    await campus.edge.tell(event)
    assert await campus.items("transactions") == []
