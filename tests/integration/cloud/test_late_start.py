from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from contract.events import TransactionStarted, TransactionStopped
from tests.integration.cloud.conftest import Campus

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_a_late_start_fills_in_the_transaction_that_was_observed(campus: Campus) -> None:
    observed = TransactionStarted(
        transaction=uuid4(),
        transaction_id=7,
        charge_point="CP1",
        connector_id=1,
        id_tag="",
        id_tag_status="",
        meter_start_wh=None,
        started_at=NOON,
        flags=["observed"],
    )
    began = {"id_tag": "TAG", "id_tag_status": "Accepted", "meter_start_wh": 1000, "flags": ["metered_before_start"]}
    started = observed.model_copy(update={**began, "started_at": NOON - timedelta(minutes=5)})
    ended = TransactionStopped(
        transaction=observed.transaction,
        transaction_id=7,
        charge_point="CP1",
        connector_id=1,
        id_tag=None,
        meter_stop_wh=2000,
        stopped_at=NOON + timedelta(hours=1),
        reason="Local",
        energy_wh=800,
        flags=["observed", "baseline_from_sample"],
    )
    again = ended.model_copy(update={"energy_wh": 1000, "flags": ["metered_before_start"]})
    await campus.edge.tell(observed)
    await campus.edge.tell(ended, started, again)
    (shown,) = await campus.items("transactions")
    assert (shown["id_tag"], shown["meter_start_wh"], shown["energy_wh"]) == ("TAG", 1000, 1000)
    assert shown["started_at"].startswith("2026-03-01T11:55:00")
    assert shown["flags"] == ["metered_before_start"]
