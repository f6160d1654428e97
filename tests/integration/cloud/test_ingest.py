"""Batches of events become rows and a cursor, once, whatever happens on the way."""

from __future__ import annotations

import asyncio
import zlib
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from cloud.models.link import DeadLetterRow, LedgerEventRow, RawEventRow, SkippedRangeRow, UnknownEventRow
from cloud.models.metering import MeterValueRow
from cloud.models.pasts import StreamTrailRow
from contract.batch import MAX_BATCH_BYTES, MAX_BATCH_EVENTS
from contract.events import (
    AuthorizationDecided,
    DataTransferReceived,
    MeterValue,
    MeterValuesSampled,
    Sample,
    SecurityEventRecorded,
    Skipped,
    TransactionStarted,
    TransactionStopped,
)
from contract.streams import Stream
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.edge_double import NOON


def meter(charge_point: str = "CP1", count: int = 1) -> MeterValuesSampled:
    sample = Sample(measurand="Energy.Active.Import.Register", value="12", unit="Wh")
    values = [MeterValue(sampled_at=NOON + timedelta(seconds=index), samples=[sample]) for index in range(count)]
    return MeterValuesSampled(charge_point=charge_point, connector_id=1, transaction=uuid4(), values=values)


def decided(id_tag: str = "TAG") -> AuthorizationDecided:
    return AuthorizationDecided(charge_point="CP1", id_tag=id_tag, status="Accepted", reason="known")


def count(campus: Campus, table: type) -> int:
    with campus.database.read() as unit:
        return unit.scalars(select(func.count()).select_from(table)).one()


async def test_the_first_greeting_answers_cursors_at_the_genesis(campus: Campus) -> None:
    answer = await campus.edge.greet()
    assert answer.status_code == 200
    assert answer.json()["epoch"] == 1
    assert answer.json()["streams"]["ledger"] == {"cursor": 0, "hash": "00" * 32}
    assert (await campus.edge.greet()).json()["incarnation"] == answer.json()["incarnation"]


async def test_a_pushed_batch_is_answered_with_its_cursor_and_hash(campus: Campus) -> None:
    await campus.edge.tell(decided(), decided(), meter())
    assert (await campus.edge.greet()).json()["streams"]["ledger"]["cursor"] == 2
    assert count(campus, LedgerEventRow) == 2
    assert count(campus, MeterValueRow) == 1


async def test_a_batch_that_comes_twice_is_stored_once(campus: Campus) -> None:
    campus.edge.record(*[decided() for _ in range(5)], *[meter(count=2) for _ in range(5)])
    for stream in (Stream.LEDGER, Stream.METER):
        first = await campus.edge.push(stream, first=1)
        again = await campus.edge.push(stream, first=1)
        assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert count(campus, LedgerEventRow) == 5
    assert count(campus, MeterValueRow) == 10


async def test_an_overlapping_batch_adds_only_what_is_new(campus: Campus) -> None:
    campus.edge.record(*[decided() for _ in range(6)])
    await campus.edge.push(Stream.LEDGER, first=1, last=4)
    assert (await campus.edge.push(Stream.LEDGER, first=3, last=6)).json()["cursor"] == 6
    assert count(campus, LedgerEventRow) == 6


async def test_two_pushes_of_the_same_batch_at_once_store_it_once(campus: Campus) -> None:
    campus.edge.record(*[meter() for _ in range(50)])
    answers = await asyncio.gather(*(campus.edge.push(Stream.METER, first=1, last=50) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert count(campus, MeterValueRow) == 50


async def test_streams_of_one_edge_pushed_at_once_all_arrive(campus: Campus) -> None:
    campus.edge.record(*[meter() for _ in range(30)], *[decided() for _ in range(30)])
    campus.edge.record(*[DataTransferReceived(charge_point="CP1", vendor_id="V", status="Accepted") for _ in range(30)])
    answers = await asyncio.gather(*(campus.edge.push(stream) for stream in Stream))
    assert {answer.status_code for answer in answers} == {200}
    assert count(campus, RawEventRow) == 30


async def test_a_hole_is_refused_with_the_cursor(campus: Campus) -> None:
    campus.edge.record(*[decided() for _ in range(6)])
    await campus.edge.push(Stream.LEDGER, last=2)
    answer = await campus.edge.push(Stream.LEDGER, first=4, last=6)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["cursor"] == 2
    assert answer.json()["hash"] == campus.edge.outboxes[Stream.LEDGER].hashes[2].hex()


async def test_a_fork_is_refused_and_changes_nothing(campus: Campus) -> None:
    await campus.edge.tell(decided(), decided())
    box = campus.edge.outboxes[Stream.LEDGER]
    box.add(decided())
    box.hashes[2] = bytes(32)
    assert (await campus.edge.push(Stream.LEDGER)).status_code == 409
    assert count(campus, LedgerEventRow) == 2


async def test_a_batch_shorter_than_it_says_is_refused(campus: Campus) -> None:
    campus.edge.record(decided(), decided(), decided())
    body = campus.edge.outboxes[Stream.LEDGER].batch("tower", 1, 3)
    assert (await campus.edge.push_body(body.rpartition(b"\n")[0])).status_code == 409
    assert count(campus, LedgerEventRow) == 0


async def test_an_event_that_cannot_be_applied_is_set_aside_and_blocks_nobody(campus: Campus) -> None:
    box = campus.edge.outboxes[Stream.LEDGER]
    box.add(decided())
    box.add(decided(), more={"charge_point": 7})
    box.add(decided("A\x00B"))
    box.add(decided(), kind="TransactionStarted.v1")
    box.add(decided())
    assert (await campus.edge.push(Stream.LEDGER)).json()["cursor"] == 5
    with campus.database.read() as unit:
        dead = unit.scalars(select(DeadLetterRow).order_by(DeadLetterRow.seq)).all()
    assert {2, 4} <= {row.seq for row in dead}
    assert dead[0].reason == "charge_point: Input should be a valid string"
    assert dead[0].raw == box.lines[1][2]
    assert count(campus, LedgerEventRow) == 5 - len(dead)
    assert (await campus.items("sites"))[0]["link"]["streams"]["ledger"]["dead_letters"] == len(dead)


async def test_one_bad_row_in_a_long_run_spares_the_others(campus: Campus) -> None:
    box = campus.edge.outboxes[Stream.METER]
    for index in range(40):
        box.add(meter(), more={"connector_id": 2**70} if index == 17 else None)
    assert (await campus.edge.push(Stream.METER)).json()["cursor"] == 40
    assert count(campus, MeterValueRow) == 39
    assert count(campus, DeadLetterRow) == 1


async def test_an_event_in_the_wrong_stream_is_a_dead_letter(campus: Campus) -> None:
    campus.edge.outboxes[Stream.STATE].add(meter())
    assert (await campus.edge.push(Stream.STATE)).status_code == 200
    assert count(campus, DeadLetterRow) == 1


async def test_an_unknown_type_is_kept(campus: Campus) -> None:
    for stream in Stream:
        campus.edge.outboxes[stream].add(decided(), kind="SomethingNew.v1")
        assert (await campus.edge.push(stream)).status_code == 200
    assert count(campus, UnknownEventRow) == 3
    assert count(campus, LedgerEventRow) == 1
    assert count(campus, DeadLetterRow) == 0


async def test_an_unreadable_event_is_named_and_nothing_is_stored(campus: Campus) -> None:
    box = campus.edge.outboxes[Stream.LEDGER]
    box.add(decided())
    box.add_raw(b'{"id": "no envelope"}')
    box.add(decided())
    answer = await campus.edge.push(Stream.LEDGER)
    assert answer.status_code == 400
    assert answer.json()["seq"] == 2
    assert count(campus, LedgerEventRow) == 0
    box.thin(2, 2)
    assert (await campus.edge.push(Stream.LEDGER)).json()["cursor"] == 3
    assert count(campus, LedgerEventRow) == 2


async def test_an_instant_at_the_edge_of_time_is_unreadable_not_a_crash(campus: Campus) -> None:
    box = campus.edge.outboxes[Stream.LEDGER]
    box.add(decided())
    number, _, raw = box.lines[0]
    box.lines[0] = (number, number, raw.replace(b"2026-03-04T12:00:00Z", b"0001-01-01T00:00:00+14:00"))
    assert (await campus.edge.push(Stream.LEDGER)).json()["seq"] == 1


async def test_a_skipped_range_moves_the_cursor_to_its_end(campus: Campus) -> None:
    campus.edge.record(*[meter() for _ in range(10)])
    campus.edge.outboxes[Stream.METER].thin(3, 7)
    assert (await campus.edge.push(Stream.METER)).json()["cursor"] == 10
    assert count(campus, MeterValueRow) == 5
    assert (await campus.items("sites"))[0]["link"]["streams"]["meter"]["skipped"] == 5


async def test_a_skipped_range_may_begin_below_the_cursor(campus: Campus) -> None:
    campus.edge.record(*[meter() for _ in range(10)])
    await campus.edge.push(Stream.METER, last=5)
    campus.edge.outboxes[Stream.METER].thin(3, 8)
    assert (await campus.edge.push(Stream.METER, first=3)).json()["cursor"] == 10
    assert count(campus, MeterValueRow) == 7
    assert count(campus, SkippedRangeRow) == 1
    [site] = await campus.items("sites")
    assert site["link"]["streams"]["meter"]["skipped"] == 3, "what had arrived is not missing"


async def test_a_skipped_range_that_grew_while_its_answer_was_lost_counts_each_number_once(campus: Campus) -> None:
    campus.edge.record(*[meter() for _ in range(10)])
    box = campus.edge.outboxes[Stream.METER]
    box.thin(1, 4)
    assert (await campus.edge.push(Stream.METER, last=4)).json()["cursor"] == 4
    box.thin(1, 8)
    grown = Skipped(first=1, last=8, count=8, why="dropped", hash_after=box.hashes[8].hex())
    answer = await campus.edge.push_body(box.batch_of(grown, first=5, last=8))
    assert answer.status_code == 200, answer.text
    assert (await campus.edge.push(Stream.METER, first=9)).json()["cursor"] == 10
    assert count(campus, MeterValueRow) == 2
    with campus.database.read() as unit:
        ranges = [(row.first, row.last, row.count) for row in unit.scalars(select(SkippedRangeRow))]
    assert sorted(ranges) == [(1, 4, 4), (5, 8, 4)]


async def test_a_skipped_range_costs_the_cloud_nothing_however_long_it_is(campus: Campus) -> None:
    edge, far = campus.edge, 2**40
    skipped = Skipped(first=1, last=far, count=far, why="no longer kept", hash_after="ab" * 32)
    answer = await edge.push_body(edge.outboxes[Stream.METER].batch_of(skipped, first=1, last=far))
    assert answer.status_code == 200, answer.text
    assert answer.json()["cursor"] == far
    with campus.database.read() as unit:
        [run] = unit.scalars(select(StreamTrailRow))
    assert (run.first, run.last, run.marks.hex()) == (far, far, "ab" * 8)


async def test_a_ledger_event_with_a_known_id_is_not_applied_again(campus: Campus) -> None:
    box = campus.edge.outboxes[Stream.LEDGER]
    box.add(decided())
    box.add_raw(box.lines[0][2].replace(b'"seq":1', b'"seq":2'))
    assert (await campus.edge.push(Stream.LEDGER)).json()["cursor"] == 2
    assert count(campus, LedgerEventRow) == 1


async def test_another_epoch_is_refused(campus: Campus) -> None:
    campus.edge.record(decided())
    campus.edge.epoch = 2
    answer = await campus.edge.push(Stream.LEDGER)
    assert answer.status_code == 409
    assert answer.json()["epoch"] == 1


async def test_a_new_store_is_granted_the_next_epoch_and_the_old_one_is_not_believed_again(campus: Campus) -> None:
    await campus.edge.greet()
    await campus.edge.tell(decided())
    old, campus.edge.store_id = campus.edge.store_id, uuid4()
    answer = await campus.edge.greet()
    assert answer.json()["epoch"] == 2
    assert answer.json()["streams"]["ledger"]["cursor"] == 0
    campus.edge.store_id = old
    assert (await campus.edge.greet()).status_code == 403


async def test_an_edge_that_fell_behind_the_cloud_is_refused(campus: Campus) -> None:
    await campus.edge.greet()
    await campus.edge.tell(decided(), decided())
    box = campus.edge.outboxes[Stream.LEDGER]
    box.head = 1
    answer = await campus.edge.greet()
    assert answer.status_code == 409
    assert "where it parts" in answer.json()["hint"]
    box.head, box.hashes[2] = 2, b"\x01" * 32
    assert (await campus.edge.greet()).status_code == 409


async def test_bodies_that_are_too_large_are_refused_before_and_after_decompression(campus: Campus) -> None:
    large = b"x" * (MAX_BATCH_BYTES + 1)
    assert (await campus.edge.push_body(large, compress=False)).status_code == 413
    assert (await campus.edge.push_body(large)).status_code == 413
    crowd = campus.edge.outboxes[Stream.LEDGER]
    crowd.add(decided())
    body = crowd.batch("tower", 1, 1) + b"\n{}" * MAX_BATCH_EVENTS
    assert (await campus.edge.push_body(body)).status_code == 413


@pytest.mark.parametrize("cut", [5, -9, -1])
async def test_broken_gzip_is_unreadable_but_blames_no_event(campus: Campus, cut: int) -> None:
    campus.edge.record(decided())
    body = zlib.compress(campus.edge.outboxes[Stream.LEDGER].batch("tower", 1, 1), wbits=31)[:cut]
    headers = {**campus.edge.headers, "Content-Encoding": "gzip", "Content-Type": "application/x-ndjson"}
    answer = await campus.client.post("/api/v1/edges/tower/events", content=body, headers=headers)
    assert answer.status_code == 400
    assert "seq" not in answer.json()


async def test_a_batch_and_a_greeting_for_another_edge_are_refused(campus: Campus) -> None:
    campus.edge.record(decided())
    body = campus.edge.outboxes[Stream.LEDGER].batch("other", 1, 1)
    assert (await campus.edge.push_body(body)).status_code == 403
    campus.edge.greeting = lambda: greeting.model_copy(update={"edge": "other"})  # type: ignore[method-assign]
    greeting = type(campus.edge).greeting(campus.edge)
    assert (await campus.edge.greet()).status_code == 403


async def test_a_stop_that_comes_first_makes_a_skeleton_that_the_start_completes(campus: Campus) -> None:
    transaction = uuid4()
    stop = TransactionStopped(
        transaction=transaction,
        transaction_id=7,
        charge_point="CP1",
        connector_id=None,
        id_tag="B",
        meter_stop_wh=900,
        stopped_at=NOON,
        reason="Local",
        energy_wh=None,
        flags=["no_start"],
    )
    start = TransactionStarted(
        transaction=transaction,
        transaction_id=7,
        charge_point="CP1",
        connector_id=2,
        id_tag="A",
        id_tag_status="Accepted",
        meter_start_wh=100,
        started_at=NOON - timedelta(hours=1),
    )
    await campus.edge.tell(stop)
    [skeleton] = await campus.items("transactions")
    assert (skeleton["started_at"], skeleton["connector_id"], skeleton["meter_stop_wh"]) == (None, None, 900)
    await campus.edge.tell(start, start)
    [whole] = await campus.items("transactions")
    assert (whole["id_tag"], whole["connector_id"], whole["meter_start_wh"]) == ("A", 2, 100)
    assert (whole["reason"], whole["flags"]) == ("Local", ["no_start"])


async def test_a_reported_stop_replaces_an_estimate_and_never_the_other_way_round(campus: Campus) -> None:
    transaction = uuid4()

    def stop(energy_wh: int, *, estimated: bool) -> TransactionStopped:
        return TransactionStopped(
            transaction=transaction,
            transaction_id=7,
            charge_point="CP1",
            connector_id=1,
            id_tag=None,
            meter_stop_wh=energy_wh,
            stopped_at=NOON,
            reason="Other",
            energy_wh=energy_wh,
            estimated=estimated,
        )

    for event, expected in (
        (stop(10, estimated=True), 10),
        (stop(11, estimated=True), 11),
        (stop(20, estimated=False), 20),
        (stop(12, estimated=True), 20),
        (stop(21, estimated=False), 21),
    ):
        await campus.edge.tell(event)
        assert (await campus.get(f"transactions/{transaction}")).json()["energy_wh"] == expected


async def test_a_security_event_without_a_charge_point_is_ledger_alone(campus: Campus) -> None:
    await campus.edge.tell(SecurityEventRecorded(kind="refused"))
    assert count(campus, LedgerEventRow) == 1
    assert await campus.items("charge-points") == []
