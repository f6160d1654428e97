"""A charging profile that its charge point takes only once the transaction runs: kept, sent once, or dropped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.operations.late_profiles import LateProfiles
from edge.operations.remote_starts import RemoteStarts
from edge.operations.to_charge_point.operator import Operator
from tests.harness.central import Central, central
from tests.harness.wire import Wire

SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}]}
PROFILE = {
    "chargingProfileId": 7,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": SCHEDULE,
}
ACCEPTED = {"status": "Accepted"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Central]:
    async with central(tmp_path) as house:
        yield house


def operates(house: Central) -> Operator:
    starts = RemoteStarts(house.writer, house.readers, house.clock, timedelta(minutes=1))
    return Operator(house.system.registry, house.readers, house.writer, starts, house.clock)


async def obey(wire: Wire) -> tuple[str, dict[str, Any]]:
    """Accept the next call; returns it."""
    _, message_id, action, payload = await wire.frame()
    await wire.websocket.send(json.dumps([3, message_id, ACCEPTED]))
    return action, payload


async def started(house: Central, wire: Wire) -> int:
    """Boot as a go-e, be started remotely with a profile, and begin; returns the transaction's number."""
    await wire.boot(chargePointVendor="go-e", chargePointModel="go-eCharger HOMEfix", firmwareVersion="57.0")
    asked = {"connectorId": 1, "idTag": "TAG", "chargingProfile": PROFILE}
    starting = asyncio.create_task(operates(house).perform_in_time("CP", "RemoteStartTransaction", asked))
    assert await obey(wire) == ("RemoteStartTransaction", {"connectorId": 1, "idTag": "TAG"})
    assert await starting == ACCEPTED
    at = house.clock.now().isoformat()
    start = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": at}
    return int((await wire.result("StartTransaction", start))["transactionId"])


async def test_it_waits_for_a_charge_point_that_is_away_and_is_sent_once(house: Central) -> None:
    async with await house.charge_point("CP") as wire:
        number = await started(house, wire)
    await house.until(lambda: not house.connected("CP"))
    await LateProfiles(house.writer, house.readers, operates(house)).look()
    after_a_restart = LateProfiles(house.writer, house.readers, operates(house))
    async with await house.charge_point("CP") as wire:
        assert (await wire.call("Heartbeat", {}))[0] == 3
        looking = asyncio.create_task(after_a_restart.look())
        sent = {"connectorId": 1, "csChargingProfiles": PROFILE | {"transactionId": number}}
        assert await obey(wire) == ("SetChargingProfile", sent)
        await looking
        await after_a_restart.look()
        assert (await wire.call("Heartbeat", {}))[0] == 3  # and no other call before


async def test_it_is_dropped_when_the_transaction_is_over(house: Central) -> None:
    async with await house.charge_point("CP") as wire:
        number = await started(house, wire)
        stop = {"transactionId": number, "meterStop": 1, "timestamp": house.clock.now().isoformat()}
        await wire.result("StopTransaction", stop)
        await LateProfiles(house.writer, house.readers, operates(house)).look()
        assert (await wire.call("Heartbeat", {}))[0] == 3
    left = "SELECT count(*) FROM remote_start WHERE charging_profile IS NOT NULL"
    assert house.readers.run_now(lambda db: db.execute(left).fetchone()[0]) == 0
