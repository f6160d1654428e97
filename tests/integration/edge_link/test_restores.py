"""Edges restored, copied and re-imaged, and a restored cloud: nothing lost, nothing doubled, no number given twice.

The real cloud process and the real store of the edge. Only a copied card needs an operator.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from sqlalchemy import select

from cloud.db.database import Database
from cloud.models.link import LedgerEventRow
from cloud.models.metering import MeterValueRow
from contract.batch import Envelope
from contract.commands import CommandState
from contract.events import (
    AuthorizationDecided,
    EventData,
    MeterValue,
    MeterValuesSampled,
    Sample,
    TransactionStarted,
    TransactionStopped,
)
from contract.streams import Stream
from edge.store import outbox, transaction_changes, transactions
from edge.store.transaction_changes import Start, continue_above
from edge.sync.syncer import LinkCondition, Syncer
from tests.harness.broker import Broker, require_mosquitto
from tests.integration.cloud.postgres import Cluster, cluster, require_postgres
from tests.integration.edge_link.conftest import Site, opened, until
from tests.integration.edge_link.real_cloud import RealCloud
from tests.integration.edge_link.test_commands import Yard
from tests.integration.edge_link.test_mqtt import PASSWORDS, linked

PATIENCE_S = 60.0
AHEAD_OF_TIME = 2_000_000_000
"""A transaction number that no clock of these years would lead to."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    with cluster(require_postgres()) as running:
        yield running


class Judge:
    """Remembers every event that an edge has committed, in whichever life."""

    def __init__(self) -> None:
        self.recorded = 0
        self.samples: set[str] = set()

    async def record(self, site: Site, count: int) -> None:
        """As many events of the ledger as meter values."""

        def write(tx: Any) -> None:
            for n in range(self.recorded, self.recorded + count):
                for event in _pair(n):
                    tx.emit(event, subject="edge", occurred_at=datetime.now(UTC))

        await site.writer.run(write)
        self.samples |= {f"CP-{n}" for n in range(self.recorded, self.recorded + count)}
        self.recorded += count

    def check(self, url: str) -> None:
        """The cloud has each of them once."""
        database = Database(url)
        with database.read() as unit:
            meter = Counter(row.charge_point for row in unit.scalars(select(MeterValueRow)))
            raw = unit.scalars(select(LedgerEventRow.raw).where(LedgerEventRow.type == AuthorizationDecided.TYPE)).all()
        database.close()
        assert set(meter) == self.samples
        assert set(meter.values()) == {1}
        ledger = Counter(Envelope.model_validate_json(event).data["id_tag"] for event in raw)
        assert set(ledger) == self.samples
        assert set(ledger.values()) == {1}


def _pair(n: int) -> tuple[EventData, EventData]:
    value = Sample(measurand="Energy.Active.Import.Register", value=str(n), unit="Wh")
    values = [MeterValue(sampled_at=datetime(2026, 3, 4, tzinfo=UTC) + timedelta(seconds=n), samples=[value])]
    return (
        AuthorizationDecided(charge_point="CP-1", id_tag=f"CP-{n}", status="Accepted", reason="known"),
        MeterValuesSampled(charge_point=f"CP-{n}", connector_id=1, values=values),
    )


async def settled(site: Site) -> None:
    """All that the edge holds is in the cloud."""

    def all_there() -> bool:
        heads = site.readers.run_now(outbox.heads).values()
        is_connected = site.syncer is not None and site.syncer.status().condition is LinkCondition.CONNECTED
        return is_connected and all(one.head == one.acknowledged for one in heads)

    await until(all_there, within_s=PATIENCE_S)


def back_up(site: Site, to: Path) -> None:
    """Copy the database while the edge runs, as `sqlite3 .backup` does."""
    source, target = sqlite3.connect(site.path), sqlite3.connect(to)
    with target:
        source.backup(target)
    source.close()
    target.close()


async def begin(site: Site, number: int) -> UUID:
    """A transaction starts."""
    uuid, now = uuid4(), datetime.now(UTC)

    def write(tx: Any) -> None:
        start = Start(
            uuid=uuid,
            key=str(uuid),
            charge_point="CP-T",
            connector_id=number,
            id_tag="TAG",
            id_tag_status="Accepted",
            parent_id_tag=None,
            meter_start_wh=1000,
            started_at=now,
            reservation_id=None,
            flags=[],
        )
        transaction_id = transaction_changes.insert(tx.connection, start, now)
        event = TransactionStarted(
            transaction=uuid,
            transaction_id=transaction_id,
            charge_point="CP-T",
            connector_id=number,
            id_tag="TAG",
            id_tag_status="Accepted",
            meter_start_wh=1000,
            started_at=now,
        )
        tx.emit(event, subject="charge-point/CP-T", occurred_at=now)

    await site.writer.run(write)
    return uuid


async def end(site: Site, uuid: UUID) -> None:
    """It stops; only the cloud will know when the disk is put back."""
    now = datetime.now(UTC)
    transaction = site.readers.run_now(lambda c: transactions.find_by_uuid(c, uuid))
    assert transaction is not None
    event = TransactionStopped(
        transaction=uuid,
        transaction_id=transaction.transaction_id,
        charge_point="CP-T",
        connector_id=transaction.connector_id,
        id_tag="TAG",
        meter_stop_wh=1500,
        stopped_at=now,
        reason="Local",
        energy_wh=500,
    )
    await site.writer.run(lambda tx: tx.emit(event, subject="charge-point/CP-T", occurred_at=now))


def database_url(cloud: RealCloud) -> str:
    return cloud.env["GARDU_CLOUD_DATABASE_URL"]


async def of_edge(cloud: RealCloud, key: str) -> dict[str, Any]:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_S) as client:
        answer = await client.get(f"{cloud.url}/api/v1/edges/north/epochs")
    content: dict[str, Any] = answer.json()
    return content


@asynccontextmanager
async def over(carrier: str, cloud: RealCloud, secret: str, site: Site, broker: Broker | None) -> AsyncIterator[Syncer]:
    link = site.link(cloud.url, secret=secret, timeout_s=30) if broker is None else linked(site, broker)
    async with link as syncer:
        yield syncer


@pytest.mark.parametrize("carrier", ["https", "mqtt"])
async def test_an_edge_restored_from_a_backup_goes_on_by_itself(
    carrier: str, real_cloud: RealCloud, tmp_path: Path
) -> None:
    broker = Broker(tmp_path / "broker", require_mosquitto(), PASSWORDS) if carrier == "mqtt" else None
    judge, copy = Judge(), tmp_path / "copy.db"
    async with AsyncExitStack() as stack:
        if broker is not None:
            broker.start()
            stack.callback(broker.kill)
            real_cloud.env |= broker.cloud_settings
        secret, key = real_cloud.enrolled()
        await stack.enter_async_context(real_cloud.running())
        async with opened(tmp_path / "edge.db") as site, over(carrier, real_cloud, secret, site, broker):
            await judge.record(site, 1_100)
            ended = await begin(site, 1)
            await settled(site)
            await judge.record(site, 30)
            back_up(site, copy)  # with events under way
            running = await begin(site, 2)
            await end(site, ended)
            await judge.record(site, 1_300)
            await settled(site)
        async with opened(copy) as site:
            await judge.record(site, 40)  # before it hears of the cloud
            async with over(carrier, real_cloud, secret, site, broker) as syncer:
                await until(lambda: syncer.status().condition is LinkCondition.CONNECTED, within_s=PATIENCE_S)
                await judge.record(site, 700)
                await settled(site)
            known = {one.uuid: one for one in site.readers.run_now(transactions.page)}
            assert known[running].open
            assert (known[ended].open, known[ended].energy_wh) == (False, 500)
        judge.check(database_url(real_cloud))
        told = await of_edge(real_cloud, key)
    assert [(life["epoch"], life["why"]) for life in told["epochs"]] == [(1, "first"), (2, "restored")]
    assert told["epochs"][1]["forks"]["meter"] == {"after": 1_130, "left": 1_300}
    assert told["locked_at"] is None


async def test_a_command_in_a_backup_does_not_run_once_more_after_a_restore_within_the_same_boot(
    real_cloud: RealCloud, tmp_path: Path
) -> None:
    secret, key = real_cloud.enrolled()
    judge, yard, copy = Judge(), Yard(), tmp_path / "copy.db"
    async with real_cloud.running():
        async with opened(tmp_path / "edge.db") as site, site.link(real_cloud.url, secret=secret, timeout_s=30):
            await site.record(Stream.STATE, 2)
            await settled(site)
            asked = asyncio.create_task(_reset(real_cloud, key))
            await until(lambda: site.in_state(CommandState.DELIVERED) == 1, within_s=PATIENCE_S)
            back_up(site, copy)
            async with site.relaying(yard.perform) as relay:
                relay.wake()
                await asked
                await judge.record(site, 20)
                await settled(site)
        async with opened(copy) as site, site.relaying(yard.perform, agreed=False):
            assert site.in_state(CommandState.DELIVERED) == 1
            async with site.link(real_cloud.url, secret=secret, timeout_s=30):
                await until(lambda: site.in_state(CommandState.EXPIRED) == 1, within_s=PATIENCE_S)
                await settled(site)
        assert len(yard.calls) == 1
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_S) as client:
            [told] = (await client.get(f"{real_cloud.url}/api/v1/commands")).json()["items"]
        assert told["state"] == "SUCCEEDED", "the restored edge's word comes too late to change it"


async def test_a_copied_card_is_noticed_and_an_operator_chooses(real_cloud: RealCloud, tmp_path: Path) -> None:
    secret, key = real_cloud.enrolled()
    judge, copy = Judge(), tmp_path / "copy.db"
    async with real_cloud.running(), opened(tmp_path / "edge.db") as first:
        async with first.link(real_cloud.url, secret=secret, timeout_s=30):
            await judge.record(first, 20)
            await settled(first)
            back_up(first, copy)
            await judge.record(first, 5)
            await settled(first)
        async with opened(copy) as second:
            second.clock.boot_id = "another machine"
            async with second.link(real_cloud.url, secret=secret, timeout_s=30) as copied:
                await judge.record(second, 3)
                await settled(second)
                async with first.link(real_cloud.url, secret=secret, timeout_s=30) as original:
                    await judge.record(first, 7)
                    await until(lambda: original.status().condition is LinkCondition.REFUSED, within_s=PATIENCE_S)
                    await judge.record(second, 2)
                    await until(lambda: copied.status().condition is LinkCondition.REFUSED, within_s=PATIENCE_S)
                    assert "Was the edge's card copied" in (original.status().last_error or "")
                    assert "Was the edge's card copied" in (copied.status().last_error or "")
                    assert (await of_edge(real_cloud, key))["locked_at"] is not None
                    real_cloud.ask("unlock-edge", "north", "--continues", "present")
                    await settled(second)
                    assert original.status().condition is LinkCondition.REFUSED
                    judge.samples -= {f"CP-{n}" for n in range(28, 35)}  # those wait on the card that was turned away
                    judge.check(database_url(real_cloud))


async def test_a_re_imaged_edge_hears_of_the_transactions_that_run(real_cloud: RealCloud, tmp_path: Path) -> None:
    secret, _ = real_cloud.enrolled()
    judge = Judge()
    async with real_cloud.running():
        async with opened(tmp_path / "edge.db") as site, site.link(real_cloud.url, secret=secret, timeout_s=30):
            await site.writer.run(lambda tx: continue_above(tx.connection, AHEAD_OF_TIME))
            running = await begin(site, 1)
            await judge.record(site, 50)
            await settled(site)
        async with opened(tmp_path / "fresh.db") as site, site.link(real_cloud.url, secret=secret, timeout_s=30):
            await judge.record(site, 60)
            await settled(site)
            [known] = site.readers.run_now(transactions.all_open)
            assert (known.uuid, known.id_tag, known.meter_start_wh) == (running, "TAG", 1000)
            await begin(site, 2)
            numbers = {one.transaction_id for one in site.readers.run_now(transactions.all_open)}
            assert min(numbers) > AHEAD_OF_TIME
            assert len(numbers) == 2
        judge.check(database_url(real_cloud))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_cloud_restored_from_a_backup_gets_everything_again(
    kind: str, real_cloud: RealCloud, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    running = request.getfixturevalue("postgres") if kind == "postgresql" else None
    if running is not None:
        real_cloud.env["GARDU_CLOUD_DATABASE_URL"] = _database(running, "campus")
    secret, key = real_cloud.enrolled()
    judge, yard = Judge(), Yard()
    async with opened(tmp_path / "edge.db") as site, site.relaying(yard.perform):
        async with site.link(real_cloud.url, secret=secret, timeout_s=30):
            async with real_cloud.running():
                await judge.record(site, 1_200)
                await site.record(Stream.STATE, 2)
                await settled(site)
            _back_up_cloud(real_cloud, running)
            async with real_cloud.running():
                await judge.record(site, 1_500)
                for _ in range(3):
                    await _reset(real_cloud, key)
                await settled(site)
            _restore_cloud(real_cloud, running)
            async with real_cloud.running():
                await judge.record(site, 300)
                await _reset(real_cloud, key)
                await settled(site)
        assert len(yard.calls) == 4  # the restored cloud gives number 1 again, and the new command is no old one
        assert site.in_state(CommandState.SUCCEEDED) == 4
    judge.check(database_url(real_cloud))


async def _reset(cloud: RealCloud, key: str) -> None:
    path = f"{cloud.url}/api/v1/sites/north/central-system/clients/CP-1/reset"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_S) as client:
        answer = await client.post(path, params={"wait": 40}, json={"type": "Soft"})
    assert (answer.status_code, answer.json()) == (200, {"status": "Accepted"}), answer.text


def _database(running: Cluster, name: str, template: str = "template0") -> str:
    with psycopg.connect(running.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return running.url(name)


def _back_up_cloud(cloud: RealCloud, running: Cluster | None) -> None:
    cloud.back_up() if running is None else _database(running, "backup", "campus")


def _restore_cloud(cloud: RealCloud, running: Cluster | None) -> None:
    cloud.restore() if running is None else _database(running, "campus", "backup")
