from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from contract.batch import MAX_BATCH_BYTES
from contract.events import SecurityEventRecorded
from contract.streams import Stream
from edge.errors import ConfigurationError
from edge.store import identity, set_aside
from edge.sync.proof import SharedSecret
from edge.sync.syncer import LinkCondition
from tests.integration.edge_link.cloud_server import CloudServer, Fault, answers, black_hole, nonsense, truncated
from tests.integration.edge_link.conftest import Site, until
from tests.unit.edge_link.model_cloud import POISON


def drained(site: Site, cloud: CloudServer) -> bool:
    return all(site.events(stream) == cloud.events(stream) for stream in Stream)


async def test_events_reach_the_cloud_once_and_are_acknowledged(site: Site, cloud: CloudServer) -> None:
    async with site.link(cloud.url) as syncer:
        for stream in Stream:
            await site.record(stream, 1_300)
        await until(lambda: drained(site, cloud) and all(site.acknowledged(stream) == 1_300 for stream in Stream))
        status = syncer.status()
    assert status.condition is LinkCondition.CONNECTED
    assert status.last_success_at is not None
    assert {one.acknowledged for one in status.streams.values()} == {1_300}
    assert "gzip" in cloud.encodings


async def test_a_ledger_event_leaves_without_waiting_for_company(site: Site, cloud: CloudServer) -> None:
    async with site.link(cloud.url) as syncer:
        await until(lambda: syncer.status().condition is LinkCondition.CONNECTED)
        await site.record(Stream.LEDGER)
        await until(lambda: len(cloud.events(Stream.LEDGER)) == 1)
    assert None in cloud.encodings


async def test_a_restart_resumes_after_the_cursor(site: Site, cloud: CloudServer) -> None:
    await site.record(Stream.LEDGER, 10)
    async with site.link(cloud.url):
        await until(lambda: site.acknowledged(Stream.LEDGER) == 10)
    await site.record(Stream.LEDGER, 5)
    async with site.link(cloud.url):
        await until(lambda: drained(site, cloud))
    assert cloud.pushes == [(Stream.LEDGER, 1, 10), (Stream.LEDGER, 11, 15)]
    assert [greeting.streams[Stream.LEDGER].acknowledged for greeting in cloud.greetings] == [0, 10]


async def test_a_pull_names_the_epoch_and_a_conflict_about_it_makes_the_edge_greet_again(
    site: Site, cloud: CloudServer
) -> None:
    cloud.faults["commands"].append(answers(409))
    async with site.link(cloud.url):
        await until(lambda: len(cloud.greetings) == 2 and bool(cloud.pulled_under), within_s=30)
    assert set(cloud.pulled_under) == {"1"}


@pytest.mark.parametrize(
    "fault",
    [
        answers(500),
        answers(502),
        answers(503, {"Retry-After": "0"}),
        answers(429, {"Retry-After": "1"}),
        answers(400),
        answers(404),
        answers(307, {"Location": "https://elsewhere.example"}),
        answers(409),
        answers(413),
        answers(401),
        black_hole,
        truncated,
        nonsense,
    ],
)
@pytest.mark.parametrize("where", ["greeting", "events", "commands", "answer"])
async def test_whatever_fails_for_a_while_nothing_is_lost_or_doubled(
    site: Site, cloud: CloudServer, fault: Fault, where: str
) -> None:
    faults = cloud.faults_after if where == "answer" else cloud.faults[where]
    faults.extend([fault, fault])
    await site.record(Stream.LEDGER, 700)
    await site.record(Stream.METER, 20)
    async with site.link(cloud.url, timeout_s=0.4):
        await until(lambda: drained(site, cloud) and site.acknowledged(Stream.LEDGER) == 700)
        command = cloud.order("ClearCache")
        await until(lambda: (command, "DELIVERED") in cloud.progress())
    assert cloud.progress() == [(command, "DELIVERED")]


async def test_a_poison_event_is_set_aside_and_kept_here(site: Site, cloud: CloudServer) -> None:
    await site.record(Stream.LEDGER, 5)
    original = json.loads(site.events(Stream.LEDGER)[2])
    poison = json.dumps({**original, "type": POISON}).encode()
    await site.writer.run(
        lambda tx: tx.connection.execute("UPDATE outbox SET event = ? WHERE stream = 'ledger' AND seq = 3", (poison,))
    )
    with capture_logs() as logs:
        async with site.link(cloud.url):
            # the row was changed behind the chain's back, so the stand-in must carry the chain over it
            await until(lambda: site.acknowledged(Stream.LEDGER) == 5)
    stand_in = json.loads(cloud.events(Stream.LEDGER)[2])
    assert (stand_in["type"], stand_in["data"]["first"], stand_in["data"]["last"]) == ("Skipped.v1", 3, 3)
    kept = site.readers.run_now(lambda connection: set_aside.page(connection, before=None, limit=10))
    assert [(one.stream, one.seq, one.event) for one in kept] == [(Stream.LEDGER, 3, poison)]
    assert [log["seq"] for log in logs if log["event"] == "event_set_aside"] == [3]


async def test_an_event_that_was_set_aside_is_sent_again_when_the_cloud_can_take_it(
    site: Site, cloud: CloudServer
) -> None:
    poison = json.dumps({"type": POISON}).encode()
    await site.record(Stream.LEDGER, 2)
    original = json.loads(site.events(Stream.LEDGER)[1])
    await site.writer.run(
        lambda tx: tx.connection.executemany(
            "INSERT INTO set_aside (stream, seq, set_aside_at, why, event) VALUES ('ledger', ?, ?, 'unknown', ?)",
            [(7, original["recorded_at"], poison), (8, original["recorded_at"], json.dumps(original).encode())],
        )
    )
    assert await site.writer.run(lambda tx: set_aside.send_again(tx, datetime.now(UTC), limit=10)) == (1, 1)
    assert await site.writer.run(lambda tx: set_aside.send_again(tx, datetime.now(UTC), limit=10)) == (0, 1)
    async with site.link(cloud.url):
        await until(lambda: site.acknowledged(Stream.LEDGER) == 3)
    again = json.loads(cloud.events(Stream.LEDGER)[2])
    kept = ("type", "occurred_at", "subject", "data")
    assert [again[name] for name in kept] == [original[name] for name in kept]
    assert again["seq"] == 3


async def test_a_batch_above_the_cloud_s_limit_is_halved_until_it_fits(site: Site, cloud: CloudServer) -> None:
    cloud.model.most_bytes = 20_000
    await site.record(Stream.LEDGER, 600)
    async with site.link(cloud.url):
        await until(lambda: site.acknowledged(Stream.LEDGER) == 600)
    assert drained(site, cloud)


async def record_one_of(site: Site, size: int) -> None:
    event = SecurityEventRecorded(kind="test", detail="x" * size)
    await site.writer.run(lambda tx: tx.emit(event, subject="edge", occurred_at=datetime.now(UTC)))


@pytest.mark.parametrize("told_bytes", [20_000, MAX_BATCH_BYTES, 2 * MAX_BATCH_BYTES])
async def test_an_event_larger_than_the_cloud_takes_is_set_aside_and_its_stream_goes_on(
    site: Site, cloud: CloudServer, told_bytes: int
) -> None:
    cloud.model.most_bytes = cloud.model.told_bytes = told_bytes
    await site.record(Stream.LEDGER, 2)
    await record_one_of(site, told_bytes)
    original = site.events(Stream.LEDGER)[2]
    await site.record(Stream.LEDGER, 3)
    with capture_logs() as logs:
        async with site.link(cloud.url):
            await until(lambda: site.acknowledged(Stream.LEDGER) == 6)
    stand_in = json.loads(cloud.events(Stream.LEDGER)[2])
    assert (stand_in["type"], stand_in["data"]["first"], stand_in["data"]["last"]) == ("Skipped.v1", 3, 3)
    assert stand_in["data"]["why"].startswith("larger than the cloud takes: ")
    kept = site.readers.run_now(lambda connection: set_aside.page(connection, before=None, limit=10))
    assert [one.event for one in kept] == [original]
    assert "larger than the cloud takes" in kept[0].why
    assert [log["seq"] for log in logs if log["event"] == "event_set_aside"] == [3]


async def test_an_event_that_just_fits_is_sent(site: Site, cloud: CloudServer) -> None:
    await record_one_of(site, 19_000)
    cloud.model.most_bytes = cloud.model.told_bytes = 20_000
    async with site.link(cloud.url):
        await until(lambda: site.acknowledged(Stream.LEDGER) == 1)
    assert drained(site, cloud)
    assert json.loads(cloud.events(Stream.LEDGER)[0])["type"] == SecurityEventRecorded.TYPE


async def test_an_event_within_the_cloud_s_limit_waits_for_a_proxy_that_takes_less(
    site: Site, cloud: CloudServer
) -> None:
    cloud.model.most_bytes = 10_000
    await record_one_of(site, 20_000)
    async with site.link(cloud.url) as syncer:
        await until(lambda: cloud.pushes.count((Stream.LEDGER, 1, 1)) > 3)
        assert "413" in (syncer.status().last_error or "")
        cloud.model.most_bytes = 10**9
        await until(lambda: site.acknowledged(Stream.LEDGER) == 1)
    assert drained(site, cloud)
    assert site.readers.run_now(lambda c: c.execute("SELECT count(*) FROM quarantine").fetchone()[0]) == 0


async def test_a_restored_cloud_gets_everything_again(site: Site, cloud: CloudServer) -> None:
    async with site.link(cloud.url):
        await site.record(Stream.LEDGER, 50)
        await until(lambda: site.acknowledged(Stream.LEDGER) == 50)
        first = cloud.order("ClearCache")
        await until(lambda: (first, "DELIVERED") in cloud.progress())
        cloud.model.restore(dict.fromkeys(Stream, 10))
        cloud.items.clear()
        # nothing new is recorded: the long poll alone tells that it is another database
        second = cloud.order("ClearCache")
        await until(lambda: drained(site, cloud) and (second, "DELIVERED") in cloud.progress())
    known = site.readers.run_now(identity.read)
    assert (known.incarnation, known.last_command_number) == (cloud.model.incarnation, 1)
    assert 0 in cloud.pulls[1:]


async def test_a_forked_past_stops_the_sending_and_says_so(site: Site, cloud: CloudServer) -> None:
    await site.record(Stream.LEDGER, 3)
    async with site.link(cloud.url):
        await until(lambda: site.acknowledged(Stream.LEDGER) == 3)
    await site.writer.run(lambda tx: tx.connection.execute("UPDATE outbox SET hash = zeroblob(32) WHERE seq = 3"))
    async with site.link(cloud.url) as syncer:
        await until(lambda: syncer.status().condition is LinkCondition.FORKED)
        pushes = len(cloud.pushes)
        await site.record(Stream.LEDGER)
        await asyncio.sleep(0.5)
        assert len(cloud.pushes) == pushes
        assert "another one" in (syncer.status().last_error or "")


async def test_refused_credentials_keep_storing_and_never_show_the_secret(site: Site, cloud: CloudServer) -> None:
    with capture_logs() as logs:
        async with site.link(cloud.url, secret="another-secret") as syncer:
            await until(lambda: syncer.status().condition is LinkCondition.REFUSED)
            await site.record(Stream.LEDGER, 2)
            await asyncio.sleep(0.8)
            assert syncer.status().streams[Stream.LEDGER].head == 2
    assert [log["condition"] for log in logs if log["event"] == "link_changed"] == ["refused"]
    assert "another-secret" not in repr(logs) + repr(syncer.status())


async def test_a_cloud_that_is_away_from_the_start_costs_one_line_in_the_log(site: Site) -> None:
    with capture_logs() as logs:
        async with site.link("http://127.0.0.1:9") as syncer:
            for _ in range(20):
                await site.record(Stream.LEDGER, 10)
            await asyncio.sleep(1.0)
            status = syncer.status()
    assert (status.condition, status.last_success_at) == (LinkCondition.OFFLINE, None)
    assert status.streams[Stream.LEDGER].head == 200
    assert "cannot be reached" in (status.last_error or "")
    assert [log["event"] for log in logs] == ["link_changed"]


async def test_what_was_recorded_during_an_outage_arrives_when_the_line_heals(site: Site) -> None:
    server = CloudServer()
    async with server.serving():
        url = server.url
        async with site.link(url):
            await site.record(Stream.LEDGER, 10)
            await until(lambda: site.acknowledged(Stream.LEDGER) == 10)
            server.faults["greeting"].extend([answers(503)] * 5)
            server.faults["events"].extend([black_hole, answers(503)])
            await site.record(Stream.LEDGER, 700)
            await site.record(Stream.METER, 700)
            await until(lambda: drained(site, server), within_s=20)


@pytest.mark.parametrize("secret", ["", "two words", "line\nbreak", "schlüssel"])
def test_a_secret_that_http_cannot_carry_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SharedSecret(secret)
    assert secret == "" or secret not in str(caught.value)


async def test_a_backlog_of_many_batches_drains(site: Site, cloud: CloudServer) -> None:
    for _ in range(10):
        await site.record(Stream.METER, 2_000)
    async with site.link(cloud.url):
        await until(lambda: len(cloud.events(Stream.METER)) == 20_000, within_s=60)
    assert [json.loads(event)["seq"] for event in cloud.events(Stream.METER)] == list(range(1, 20_001))
