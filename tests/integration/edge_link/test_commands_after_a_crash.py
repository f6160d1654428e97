"""A command that a crash interrupted: what it did shows, or nobody can tell."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from edge.domain.registration import Registration
from edge.domain.remote_start import Outcome
from edge.store import charge_points, commands, remote_starts
from edge.store.remote_starts import RemoteStart
from tests.integration.edge_link.cloud_server import CloudServer
from tests.integration.edge_link.conftest import Site, until
from tests.integration.edge_link.test_commands import S, Yard, deliver, is_final, stored


async def test_a_reset_that_a_crash_interrupted_has_succeeded_when_its_charge_point_boots(site: Site) -> None:
    yard = Yard()
    command = await deliver(site, "Reset", state=S.STARTED)
    await site.writer.run(lambda tx: charge_points.put(tx.connection, "CP-1", Registration.ACCEPTED, datetime.now(UTC)))
    async with site.relaying(yard.perform, patience_s=60):
        later = datetime.now(UTC) + timedelta(seconds=1)
        await site.writer.run(lambda tx: charge_points.record_boot(tx.connection, "CP-1", {}, later))
        await until(lambda: is_final(site, command))
    assert (stored(site, command)[0], yard.calls) == ("SUCCEEDED", [])


async def test_a_remote_start_that_a_crash_interrupted_has_succeeded_when_its_transaction_begins(site: Site) -> None:
    command = await deliver(site, "RemoteStartTransaction", state=S.STARTED)
    asked = RemoteStart(
        number=0,
        charge_point="CP-1",
        connector_id=1,
        id_tag="TAG",
        command=command,
        outcome=Outcome.ASKED,
        asked_at=datetime.now(UTC),
        due_at=datetime.now(UTC) + timedelta(hours=1),
        boot_id="before",
        due_boottime=0.0,
        transaction_id=None,
    )
    number = await site.writer.run(lambda tx: remote_starts.insert(tx.connection, asked))
    async with site.relaying(Yard().perform, patience_s=60):
        await site.writer.run(lambda tx: remote_starts.conclude(tx.connection, number, Outcome.STARTED, 7))
        await until(lambda: is_final(site, command))
    assert stored(site, command)[0] == "SUCCEEDED"


async def test_a_result_that_was_still_on_its_way_to_the_disk_stands(site: Site) -> None:
    command = await deliver(site, "Reset", state=S.STARTED)
    async with site.relaying(Yard().perform, patience_s=0.3) as relay:
        await until(lambda: relay._held is not None)
        await site.writer.run(lambda tx: commands.record(tx, command, S.SUCCEEDED, datetime.now(UTC)))
        await asyncio.sleep(0.5)
        another = await deliver(site, "ClearCache")
        relay.wake()
        await until(lambda: is_final(site, another))
    assert stored(site, command)[0] == "SUCCEEDED"


async def test_others_do_not_wait_for_the_effect_of_one_that_a_crash_interrupted(site: Site) -> None:
    left_over = await deliver(site, "Reset", state=S.STARTED)
    another = await deliver(site, "ClearCache")
    async with site.relaying(Yard().perform, patience_s=60):
        await until(lambda: is_final(site, another))
        assert stored(site, left_over)[0] == "STARTED"


@pytest.mark.parametrize("action", ["Reset", "ClearCache"])
async def test_what_was_delivered_before_the_start_waits_for_the_cloud_s_word(
    site: Site, cloud: CloudServer, action: str
) -> None:
    yard = Yard()
    command = await deliver(site, action)
    async with site.relaying(yard.perform, agreed=False) as relay:
        await until(lambda: relay._held is not None)
        fresh = await deliver(site, "ClearCache", charge_point="CP-2")
        relay.wake()
        await until(lambda: is_final(site, fresh))
        assert (stored(site, command)[0], len(yard.calls)) == ("DELIVERED", 1)
        async with site.link(cloud.url):
            await until(lambda: is_final(site, command))
    assert (stored(site, command)[0], len(yard.calls)) == ("SUCCEEDED", 2)


@pytest.mark.parametrize("state", [S.DELIVERED, S.STARTED])
async def test_what_may_be_repeated_does_not_wait_for_ever_for_a_cloud_that_is_away(site: Site, state: S) -> None:
    yard = Yard()
    command = await deliver(site, "ClearCache", state=state)
    async with site.relaying(yard.perform, agreed=False, offline_patience_s=0.2):
        await until(lambda: is_final(site, command))
    assert (stored(site, command)[0], len(yard.calls)) == ("SUCCEEDED", 1)


async def test_what_may_not_be_repeated_expires_while_the_cloud_is_away(site: Site) -> None:
    yard = Yard()
    command = await deliver(site, "RemoteStartTransaction", deadline_boottime=site.clock.boottime() + 0.5)
    async with site.relaying(yard.perform, agreed=False, offline_patience_s=0.0):
        await until(lambda: is_final(site, command))
    assert (stored(site, command)[0], yard.calls) == ("EXPIRED", [])
