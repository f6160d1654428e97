"""What happened to the other side? Edges that were restored from a backup, copied or re-imaged."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from cloud.ingest import pasts
from cloud.models.link import LedgerEventRow
from cloud.models.metering import MeterValueRow
from cloud.models.pasts import StreamCheckpointRow, StreamTrailRow
from cloud.models.sites import EdgeEpochRow, EdgeRow, InstanceRow
from contract.commands import CommandState
from contract.events import MeterValue, MeterValuesSampled, Sample, TransactionStarted, TransactionStopped
from contract.streams import Stream
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.edge_double import NOON, EdgeDouble
from tests.integration.cloud.test_commands import ask, progressed, state_of
from tests.integration.cloud.test_ingest import count, decided

STREAMS = (Stream.LEDGER, Stream.METER)


def sample(charge_point: str, second: int) -> MeterValuesSampled:
    value = Sample(measurand="Energy.Active.Import.Register", value=str(second), unit="Wh")
    values = [MeterValue(sampled_at=NOON + timedelta(seconds=second), samples=[value])]
    return MeterValuesSampled(charge_point=charge_point, connector_id=1, values=values)


def some(count: int, charge_point: str = "CP1") -> list[Any]:
    """As many events of the ledger as of the meter stream."""
    return [event for n in range(count) for event in (decided(f"{charge_point}-{n}"), sample(charge_point, n))]


def meter_values(campus: Campus) -> Counter[tuple[str, str]]:
    with campus.database.read() as unit:
        rows = unit.scalars(select(MeterValueRow)).all()
    return Counter((row.charge_point, row.sampled_at.isoformat()) for row in rows)


def ledger(campus: Campus) -> Counter[UUID]:
    with campus.database.read() as unit:
        return Counter(unit.scalars(select(LedgerEventRow.event)).all())


async def lives(campus: Campus) -> dict[str, Any]:
    answer = await campus.get("edges/tower/epochs")
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


async def send_on(edge: EdgeDouble) -> None:
    for stream in Stream:
        if edge.outboxes[stream].head > edge.cursors[stream]:
            answer = await edge.push(stream)
            assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("before", "lost", "own"), [(3, 4, 0), (3, 4, 2), (3, 2, 9), (0, 3, 1), (70, 80, 2), (5, 0, 3)]
)
async def test_a_restored_edge_goes_on_behind_the_place_where_the_pasts_part(
    campus: Campus, before: int, lost: int, own: int
) -> None:
    edge = campus.edge
    await edge.greet()
    await edge.tell(*some(before))
    backup = edge.copied("boot 2")
    if lost:
        await edge.tell(*some(lost, "LOST"))
    backup.record(*some(own, "OWN"))
    answer = await backup.settle()
    assert answer.epoch == (2 if lost else 1)
    assert all(backup.cursors[stream] == before for stream in STREAMS)
    await send_on(backup)
    assert set(meter_values(campus).values()) == {1}
    assert sum(meter_values(campus).values()) == before + lost + own
    assert len(ledger(campus)) == before + lost + own
    if lost:
        told = await lives(campus)
        [first, second] = told["epochs"]
        assert (first["why"], second["why"], second["from_epoch"]) == ("first", "restored", 1)
        assert second["forks"]["meter"] == {"after": before, "left": lost}
        assert second["forks"]["state"] == {"after": 0, "left": 0}
        assert told["locked_at"] is None


async def test_the_place_is_found_to_the_event_in_a_long_past(campus: Campus) -> None:
    edge = campus.edge
    await edge.greet()
    for part in range(3):
        await edge.tell(*(sample(f"CP{part}", n) for n in range(1_500)))
    assert count(campus, StreamCheckpointRow) == 4
    backup = edge.copied("boot 2")
    await edge.tell(*(sample("LOST", n) for n in range(777)))
    backup.record(*(sample("OWN", n) for n in range(2_000)))
    await backup.settle()
    assert backup.cursors[Stream.METER] == 4_500
    await send_on(backup)
    assert set(meter_values(campus).values()) == {1}
    assert sum(meter_values(campus).values()) == 4_500 + 777 + 2_000


async def test_the_place_is_found_in_a_past_with_skipped_ranges(campus: Campus) -> None:
    edge = campus.edge
    await edge.greet()
    edge.record(*(sample("CP1", n) for n in range(60)))
    edge.outboxes[Stream.METER].thin(3, 40)
    edge.outboxes[Stream.METER].thin(45, 58)
    assert (await edge.push(Stream.METER)).json()["cursor"] == 60
    backup = edge.copied("boot 2")
    await edge.tell(*(sample("LOST", n) for n in range(7)))
    backup.record(*(sample("OWN", n) for n in range(9)))
    await backup.settle()
    assert backup.cursors[Stream.METER] == 60
    await send_on(backup)
    assert sum(meter_values(campus).values()) == 2 + 4 + 2 + 7 + 9


async def test_where_the_trail_is_gone_the_edge_s_own_memory_of_acknowledgements_counts(campus: Campus) -> None:
    edge = campus.edge
    await edge.greet()
    await edge.tell(*some(50))
    backup = edge.copied("boot 2")
    await edge.tell(*some(10, "LOST"))
    with campus.database.write() as unit:
        unit.execute(StreamTrailRow.__table__.delete())  # type: ignore[attr-defined]
    backup.record(*some(1, "OWN"))
    await backup.settle()
    assert backup.cursors[Stream.METER] == 50
    await send_on(backup)
    assert set(meter_values(campus).values()) == {1}


async def test_old_trails_are_let_go_of_and_checkpoints_stay(campus: Campus) -> None:
    await campus.edge.greet()
    await campus.edge.tell(*(decided(str(n)) for n in range(1_100)))
    campus.clock.forward(days=40)
    await campus.edge.tell(*(decided(str(n)) for n in range(1_000)))
    with campus.database.read() as unit:
        assert [row.first for row in unit.scalars(select(StreamTrailRow))] == [1_101]
    assert count(campus, StreamCheckpointRow) == 2


async def test_a_grant_whose_answer_was_lost_is_given_again_and_only_once(campus: Campus) -> None:
    edge = campus.edge
    await edge.tell(*some(3))
    await edge.greet()
    backup = edge.copied("boot 2")
    await edge.tell(*some(2, "LOST"))
    backup.record(*some(1, "OWN"))
    backup.claim = uuid4()
    past = {stream: backup._past(stream, 0, 10) for stream in Stream}
    for boot in ("boot 2", "boot 3"):  # it crashes before it hears the answer
        backup.boot_id = boot
        assert (await backup.greet(past=past)).json()["epoch"] == 2
        assert (await backup.greet()).json()["epoch"] == 2
    assert (await lives(campus))["locked_at"] is None
    assert (await backup.push(Stream.LEDGER)).status_code == 409  # of epoch 1


async def test_a_greeting_that_was_late_locks_nobody(campus: Campus) -> None:
    edge = campus.edge
    await edge.tell(*some(3))
    await edge.greet()
    backup = edge.copied("boot 2")
    await edge.tell(*some(2, "LOST"))
    late = backup.greeting()
    await backup.settle()
    answer = await backup.greet(epoch=late.epoch)
    assert answer.status_code == 409
    assert (await lives(campus))["locked_at"] is None


async def test_a_restored_edge_is_told_which_transactions_run_and_which_ended_without_it(campus: Campus) -> None:
    edge = campus.edge
    ended, running, done = [started(n) for n in (1, 2, 3)]
    await edge.greet()
    await edge.tell(done, stopped(done), ended)
    backup = edge.copied("boot 2")
    await edge.tell(running, stopped(ended))
    answer = await backup.settle()
    told = {one.transaction: one for one in answer.transactions}
    assert set(told) == {running.transaction, ended.transaction}
    assert told[running.transaction].stopped_at is None
    assert (told[ended.transaction].energy_wh, told[ended.transaction].reason) == (100, "Local")
    assert (told[running.transaction].transaction_id, told[running.transaction].meter_start_wh) == (2, 1000)


async def test_a_re_imaged_edge_is_told_which_transactions_run_until_it_has_taken_its_epoch(campus: Campus) -> None:
    one = started(1)
    await campus.edge.greet()
    await campus.edge.tell(one)
    fresh = EdgeDouble(campus.client, "tower", "")
    fresh.headers = campus.edge.headers
    for _ in range(2):
        answer = (await fresh.greet()).json()
        assert (answer["epoch"], [told["transaction"] for told in answer["transactions"]]) == (
            2,
            [str(one.transaction)],
        )
    fresh.epoch = 2
    assert (await fresh.greet()).json()["transactions"] == []


async def test_what_a_restored_edge_was_given_is_not_handed_out_again(campus: Campus) -> None:
    await campus.with_charge_point()
    await campus.edge.greet()
    backup = campus.edge.copied("boot 2")
    command = await ask(campus)
    await campus.edge.pull()
    await campus.edge.tell(progressed(campus, command["command"], CommandState.DELIVERED))
    await backup.settle()
    assert (await backup.pull())["items"] == []
    assert (await state_of(campus, command))["state"] == "EXPIRED"


async def cloned(campus: Campus) -> tuple[EdgeDouble, EdgeDouble]:
    """Two machines with the same card; both have spoken, and the first one speaks again."""
    first = campus.edge
    await first.greet()
    await first.tell(*some(3))
    second = first.copied("boot 2")
    await first.tell(*some(2, "FIRST"))
    second.record(*some(1, "SECOND"))
    assert (await second.settle()).epoch == 2
    await send_on(second)
    assert (await first.push_body(first.outboxes[Stream.LEDGER].batch("tower", 1, 3))).status_code == 409
    first.record(*some(1, "FIRST-LATER"))
    assert (await first.greet()).status_code == 403
    return first, second


async def test_a_copied_card_locks_both_and_says_why(campus: Campus) -> None:
    first, second = await cloned(campus)
    second.record(*some(1, "WAITS"))
    assert (await second.push(Stream.LEDGER)).status_code == 403
    answer = await second.greet()
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:gardu:problem:edge-locked")
    assert "Was the edge's card copied" in answer.json()["detail"]
    pulled = await campus.client.get("/api/v1/edges/tower/commands?after=0", headers=first.headers)
    assert pulled.status_code == 403
    [site] = await campus.items("sites")
    assert site["link"]["locked_at"] is not None
    assert "Two edges spoke for tower" in site["link"]["locked_why"]
    [conflict] = (await lives(campus))["conflicts"]
    assert (conflict["present_epoch"], conflict["other_epoch"], conflict["other_boot_id"]) == (2, 1, "boot")
    assert conflict["settled_at"] is None
    [alarm] = await campus.items("alarms", site="tower")
    assert (alarm["kind"], alarm["detail"], alarm["cleared_at"]) == ("EdgeLocked", site["link"]["locked_why"], None)
    await campus.post("edges/tower/unlock", {"continues": "present"})
    [alarm] = await campus.items("alarms", site="tower")
    assert alarm["cleared_at"] is not None


async def test_the_present_one_goes_on_and_the_other_is_turned_away(campus: Campus) -> None:
    first, second = await cloned(campus)
    assert (await campus.post("edges/tower/unlock", {"continues": "present"})).status_code == 200
    await second.tell(*some(1, "GOES-ON"))
    assert (await first.greet()).status_code == 403
    assert (await second.greet()).status_code == 200
    told = await lives(campus)
    assert (told["locked_at"], told["conflicts"][0]["continues"]) == (None, "present")
    assert (await campus.post("edges/tower/unlock", {"continues": "present"})).status_code == 409


async def test_the_other_one_goes_on_with_all_that_it_recorded(campus: Campus) -> None:
    first, second = await cloned(campus)
    assert (await campus.post("edges/tower/unlock", {"continues": "other"})).status_code == 200
    second.record(*some(1, "TURNED-AWAY"))
    assert (await second.push(Stream.LEDGER)).status_code == 409
    assert (await second.greet()).status_code == 403
    assert (await first.greet()).status_code == 409
    answer = await first.settle()
    assert answer.epoch == 4
    await send_on(first)
    assert (await second.greet()).status_code == 403
    assert (await lives(campus))["locked_at"] is None
    assert {charge_point for charge_point, _ in meter_values(campus)} == {"CP1", "FIRST", "SECOND", "FIRST-LATER"}
    assert set(meter_values(campus).values()) == {1}
    assert [life["why"] for life in (await lives(campus))["epochs"]] == ["first", "restored", "chosen", "chosen"]


async def test_an_old_card_that_is_put_back_locks_too(campus: Campus) -> None:
    old = campus.edge
    await old.greet()
    await old.tell(decided())
    fresh = EdgeDouble(campus.client, "tower", "")
    fresh.headers = old.headers
    fresh.epoch = (await fresh.greet()).json()["epoch"]
    assert (await old.greet()).status_code == 403
    assert (await fresh.greet()).status_code == 403
    assert (await campus.post("edges/tower/unlock", {"continues": "other"})).status_code == 200
    assert (await old.settle()).epoch == 4
    await old.tell(decided())


async def test_a_past_is_followed_through_several_epochs(campus: Campus) -> None:
    edge = campus.edge
    await edge.greet()
    await edge.tell(*some(5))
    for epoch in (2, 3, 4):
        backup = edge.copied(f"boot {epoch}")
        await edge.tell(*some(3, f"LOST{epoch}"))
        backup.record(*some(1, f"OWN{epoch}"))
        assert (await backup.settle()).epoch == epoch
        await send_on(backup)
        edge = backup
    with campus.database.read() as unit:
        parts = pasts.segments(unit, "tower", 4, Stream.METER)
    assert [(part.epoch, part.after, part.last) for part in parts] == [(4, 7, None), (3, 6, 7), (2, 5, 6), (1, 0, 5)]
    assert set(meter_values(campus).values()) == {1}
    assert sum(meter_values(campus).values()) == 5 + 3 * 4
    early = edge.copied("boot 4")  # and one that forgot more than the last epoch
    for box in early.outboxes.values():
        box.head = min(box.head, 6)
        box.lines = box.lines[: box.head]
        box.hashes = {seq: chained for seq, chained in box.hashes.items() if seq <= box.head}
    early.record(*some(1, "EARLY"))
    assert (await early.settle()).epoch == 5
    assert early.cursors[Stream.METER] == 6


async def test_a_nonsensical_epoch_is_refused(campus: Campus) -> None:
    assert (await campus.edge.greet(epoch=2**40)).status_code == 409
    with campus.database.read() as unit:
        assert unit.get_one(EdgeRow, "tower").epoch == 1
        assert unit.scalars(select(EdgeEpochRow)).all() == []
        assert len(unit.scalars(select(InstanceRow)).all()) == 1


async def test_a_place_that_is_none_is_refused(campus: Campus) -> None:
    body = json.loads(campus.edge.greeting().model_dump_json())
    body["past"] = {"ledger": {"points": [{"seq": 1, "hash": "zz"}], "complete": True}}
    answer = await campus.client.post("/api/v1/edges/tower/greeting", json=body, headers=campus.edge.headers)
    assert answer.status_code == 422


def started(number: int) -> TransactionStarted:
    return TransactionStarted(
        transaction=uuid4(),
        transaction_id=number,
        charge_point="CP1",
        connector_id=1,
        id_tag="TAG",
        id_tag_status="Accepted",
        meter_start_wh=1000,
        started_at=NOON,
    )


def stopped(start: TransactionStarted) -> TransactionStopped:
    return TransactionStopped(
        transaction=start.transaction,
        transaction_id=start.transaction_id,
        charge_point=start.charge_point,
        connector_id=1,
        id_tag="TAG",
        meter_stop_wh=1100,
        stopped_at=NOON,
        reason="Local",
        energy_wh=100,
    )
