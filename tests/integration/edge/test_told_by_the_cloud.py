"""What charge points meter while a restored or re-imaged edge has not heard of the cloud yet counts once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from contract.events import TransactionStopped
from contract.link import KnownTransaction
from edge.operations import told_by_the_cloud
from edge.store import meter_values
from edge.store.transactions import State
from tests.integration.edge.played_site import CP1, NOON, PlayedSite

NUMBER = 1_700_000_000
"""That the edge gave before its disk was put back."""


def known(**changed: Any) -> KnownTransaction:
    running = KnownTransaction(
        transaction=uuid4(),
        transaction_id=NUMBER,
        charge_point=CP1,
        connector_id=1,
        id_tag="TAG",
        id_tag_status="Accepted",
        parent_id_tag=None,
        reservation_id=None,
        started_at=NOON - timedelta(hours=1),
        meter_start_wh=1000,
    )
    return running.model_copy(update=changed)


def hear(site: PlayedSite, *told: KnownTransaction) -> None:
    for _ in range(2):  # the same greeting twice: its answer was lost
        site.write(lambda tx: told_by_the_cloud.take_over(tx, told, site.clock.now()))


def metered(site: PlayedSite, *registers: int) -> None:
    for register in registers:
        site.meter(str(register), transactionId=NUMBER)
        site.later(minutes=10)


def told_wh(site: PlayedSite) -> int:
    ends = {event.transaction: event.energy_wh or 0 for event in site.events(TransactionStopped)}
    return sum(ends.values())


def test_what_was_observed_before_the_first_greeting_is_a_part_of_the_transaction_that_the_cloud_knows(
    site: PlayedSite,
) -> None:
    site.status("Charging")
    metered(site, 1200, 1400)
    told = known()
    hear(site, told)
    [running] = [one for one in site.transactions() if one.open]
    assert (running.uuid, running.transaction_id, running.station_transaction_id) == (told.transaction, NUMBER, None)
    metered(site, 1600)
    site.stop(NUMBER, meterStop=2000)
    ended = site.transaction(NUMBER)
    assert (ended.state, ended.energy_wh, ended.meter_start_wh, ended.flags) == (State.CLOSED, 1000, 1000, [])
    assert len(meter_values.of_transaction(site.connection, ended)) == 3
    [part] = [one for one in site.transactions() if one.uuid != told.transaction]
    assert (part.open, part.energy_wh, part.flags) == (False, 0, ["observed", "part_of_another"])
    assert told_wh(site) == 1000


def test_a_stop_that_came_before_the_first_greeting_ends_the_transaction_that_the_cloud_knows(site: PlayedSite) -> None:
    site.status("Charging")
    metered(site, 1200, 1400)
    site.stop(NUMBER, meterStop=2000)
    stopped_at = site.clock.now()
    told = known()
    hear(site, told)
    ended = site.transaction(NUMBER)
    assert (ended.uuid, ended.state, ended.energy_wh) == (told.transaction, State.CLOSED, 1000)
    assert (ended.meter_stop_wh, ended.stopped_at) == (2000, stopped_at)
    assert not [one for one in site.transactions() if one.open]
    assert told_wh(site) == 1000
    site.stop(NUMBER, meterStop=2000)  # retried: its answer was lost
    assert (site.transaction(NUMBER).energy_wh, told_wh(site)) == (1000, 1000)


@pytest.mark.parametrize(
    "other",
    [
        {"transaction_id": NUMBER - 7},
        {"connector_id": 2},
        {"charge_point": "CP2"},
        {"connector_id": None},
        {"stopped_at": NOON - timedelta(minutes=5), "meter_stop_wh": 1100, "energy_wh": 100},
    ],
)
def test_another_transaction_takes_nothing_of_what_was_observed(site: PlayedSite, other: dict[str, Any]) -> None:
    site.status("Charging")
    metered(site, 1200, 1400)
    hear(site, known(**other))
    [seen] = [one for one in site.transactions() if "observed" in one.flags]
    assert (seen.open, seen.station_transaction_id) == (True, NUMBER)
