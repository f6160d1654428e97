"""Dead letters are shown with their reason, and applied again once what was wrong with them has been mended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from cloud import app, cli
from cloud.db.database import Unit
from cloud.models.received import Received
from cloud.models.sampled import SampleRun
from contract.events import (
    ChargePointBooted,
    ChargePointDisconnected,
    KeptMeterValues,
    MeterValue,
    MeterValuesSampled,
    Sample,
    Skipped,
    TransactionStarted,
)
from contract.streams import Stream
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.edge_double import NOON, envelope


def refuse(_unit: Unit, _events: Sequence[Received[Any]]) -> None:
    raise ValueError("this release has a fault")


def started(number: int) -> TransactionStarted:
    return TransactionStarted(
        transaction=uuid4(),
        transaction_id=number,
        charge_point="CP1",
        connector_id=1,
        id_tag="TAG",
        id_tag_status="Accepted",
        meter_start_wh=0,
        started_at=NOON + timedelta(minutes=number),
    )


def sample(minute: int) -> MeterValue:
    measured = Sample(measurand="Energy.Active.Import.Register", value=str(minute), unit="Wh")
    return MeterValue(sampled_at=NOON + timedelta(minutes=minute), samples=[measured])


async def redrive(campus: Campus, **params: Any) -> dict[str, Any]:
    answer = await campus.post("dead-letters/redrive", **params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def counts(campus: Campus, **params: Any) -> dict[str, Any]:
    told = await redrive(campus, **params)
    return {name: told[name] for name in ("applied", "refused", "left")}


async def test_dead_letters_are_applied_once_the_fault_is_mended(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setitem(app.APPLIERS, TransactionStarted.TYPE, (refuse,))
        await campus.edge.tell(started(1), started(2), started(3))
    assert await campus.items("transactions") == []
    dead = await campus.items("dead-letters")
    assert [(letter["site"], letter["seq"], letter["reason"]) for letter in dead] == [
        ("tower", number, "ValueError: this release has a fault") for number in (1, 2, 3)
    ]
    assert dead[0]["event"]["data"]["id_tag"] == "TAG"
    assert await counts(campus, limit=2) == {"applied": 2, "refused": 0, "left": 1}
    assert await counts(campus) == {"applied": 1, "refused": 0, "left": 0}
    assert [row["transaction_id"] for row in await campus.items("transactions")] == [3, 2, 1]
    assert await campus.items("dead-letters") == []
    assert await counts(campus) == {"applied": 0, "refused": 0, "left": 0}


async def test_what_is_still_wrong_stays_with_its_reason_and_its_first_time(campus: Campus) -> None:
    campus.edge.outboxes[Stream.LEDGER].add(started(1), more={"charge_point": 7})
    await campus.edge.push(Stream.LEDGER)
    before = await campus.items("dead-letters")
    campus.clock.forward(hours=1)
    assert await counts(campus, type="TransactionStarted.v1") == {"applied": 0, "refused": 1, "left": 0}
    assert await campus.items("dead-letters") == before


async def test_refused_ones_at_the_front_hold_up_none_behind_them(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = campus.edge.outboxes[Stream.LEDGER]
    with monkeypatch.context() as broken:
        broken.setitem(app.APPLIERS, TransactionStarted.TYPE, (refuse,))
        for number in (1, 2, 3, 4):
            box.add(started(number), more={"charge_point": 7} if number < 3 else None)
        await campus.edge.push(Stream.LEDGER)
    first = await redrive(campus, limit=2)
    assert (first["applied"], first["refused"], first["left"]) == (0, 2, 2)
    then = await redrive(campus, limit=2, cursor=first["next_cursor"])
    assert then == {"applied": 2, "refused": 0, "left": 0, "next_cursor": None}
    assert (await campus.post("dead-letters/redrive", cursor="nonsense")).status_code == 422


async def test_a_filter_leaves_the_others_alone(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        for kind in (TransactionStarted.TYPE, ChargePointBooted.TYPE):
            broken.setitem(app.APPLIERS, kind, (refuse,))
        await campus.edge.tell(
            started(1),
            ChargePointBooted(charge_point="CP1", registration_status="Accepted", vendor="VendorA", model="M"),
        )
    assert await counts(campus, stream="state") == {"applied": 1, "refused": 0, "left": 0}
    assert [letter["type"] for letter in await campus.items("dead-letters")] == ["TransactionStarted.v1"]
    assert await counts(campus, site="elsewhere") == {"applied": 0, "refused": 0, "left": 0}


async def test_a_passing_state_that_is_applied_late_is_history_only(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setitem(app.APPLIERS, ChargePointDisconnected.TYPE, (refuse,))
        await campus.edge.tell(ChargePointDisconnected(charge_point="CP1", reason="closed"))
    await campus.with_charge_point("CP1")
    assert await counts(campus) == {"applied": 1, "refused": 0, "left": 0}
    assert [row["connected"] for row in await campus.items("charge-points")] == [True]


async def test_thinned_values_that_came_whole_before_are_not_counted_again(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = campus.edge.outboxes[Stream.METER]
    events = [MeterValuesSampled(charge_point="CP1", connector_id=1, values=[sample(minute)]) for minute in range(4)]
    for event in events:
        box.add(event)
    await campus.edge.push(Stream.METER, last=2)
    skipped = Skipped(
        first=1,
        last=4,
        count=4,
        why="thinned",
        hash_after=box.hashes[4].hex(),
        kept=[
            KeptMeterValues(seq=seq, charge_point="CP1", connector_id=1, values=[sample(seq - 1)]) for seq in (1, 2, 4)
        ],
    )
    with monkeypatch.context() as broken:
        broken.setitem(app.APPLIERS, MeterValuesSampled.TYPE, (refuse,))
        answer = await campus.edge.push_body(box.batch_of(skipped, first=1, last=4))
        assert answer.json()["cursor"] == 4
    assert len(await campus.items("dead-letters")) == 1
    assert await counts(campus) == {"applied": 1, "refused": 0, "left": 0}
    values = [row["samples"][0]["value"] for row in await campus.items("meter-values")]
    assert values == ["0", "1", "3"]


@pytest.mark.parametrize("fault", ["cannot be read", "cannot be stored"])
async def test_one_bad_value_of_a_thinned_quarter_of_an_hour_takes_no_good_one_with_it(
    campus: Campus, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    box = campus.edge.outboxes[Stream.METER]
    for minute in range(4):
        box.add(MeterValuesSampled(charge_point="CP1", connector_id=1, values=[sample(minute)]))
    kept = [
        KeptMeterValues(seq=seq, charge_point="CP1", connector_id=1, values=[sample(seq - 1)]) for seq in (1, 2, 2, 4)
    ]
    skipped = Skipped(first=1, last=4, count=4, why="thinned", hash_after=box.hashes[4].hex(), kept=kept)
    box.lines = [(1, 4, envelope(4, skipped))]
    if fault == "cannot be read":
        bad = skipped.model_dump(mode="json")
        bad["kept"][1]["values"] = "poison"
        box.lines = [(1, 4, envelope(4, skipped, more=bad))]
    with monkeypatch.context() as broken:
        if fault == "cannot be stored":
            kind = MeterValuesSampled.TYPE
            broken.setitem(app.APPLIERS, kind, (refuse_the_second, *app.APPLIERS[kind]))
        assert (await campus.edge.push_body(box.batch("tower", 1, 4))).json()["cursor"] == 4
    assert await there(campus) == ["0", "3"]
    assert len(await campus.items("dead-letters")) == 1
    mended = fault == "cannot be stored"
    assert await counts(campus) == {"applied": int(mended), "refused": int(not mended), "left": 0}
    assert await there(campus) == (["0", "1", "1", "3"] if mended else ["0", "3"])


async def there(campus: Campus) -> list[str]:
    return [row["samples"][0]["value"] for row in await campus.items("meter-values")]


def refuse_the_second(_unit: Unit, run: SampleRun) -> None:
    if any(event.seq == 2 for event in run.events):
        raise ValueError("this one is poison")


async def test_the_command_line_does_it_too(campus: Campus, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setitem(app.APPLIERS, TransactionStarted.TYPE, (refuse,))
        await campus.edge.tell(started(1))
    campus.edge.outboxes[Stream.LEDGER].add(started(2), more={"charge_point": 7})
    await campus.edge.push(Stream.LEDGER)
    monkeypatch.setenv("GARDU_CLOUD_DATABASE_URL", database_url)
    first = CliRunner().invoke(cli.main, ["redrive"])
    assert "tower 1 ledger 2: charge_point: Input should be a valid string" in first.output
    assert "1 applied, 1 still refused." in first.output
    second = CliRunner().invoke(cli.main, ["redrive", "--json"])
    assert json.loads(second.output.splitlines()[-1]) == {"applied": 0, "refused": 1}
    assert (first.exit_code, second.exit_code) == (1, 1)


@pytest.mark.parametrize("bad", [(300,), (1, 2, 400, 600)])
async def test_poison_in_a_big_batch_is_found_in_a_few_steps(
    campus: Campus, monkeypatch: pytest.MonkeyPatch, bad: tuple[int, ...]
) -> None:
    tries = list[int]()

    def refuse_some(_unit: Unit, events: Sequence[Received[TransactionStarted]]) -> None:
        tries.append(len(events))
        if any(event.data.transaction_id in bad for event in events):
            raise ValueError("this one is poison")

    kind = TransactionStarted.TYPE
    monkeypatch.setitem(app.APPLIERS, kind, (refuse_some, *app.APPLIERS[kind]))
    campus.edge.record(*(started(number) for number in range(1, 601)))
    assert (await campus.edge.push(Stream.LEDGER)).json()["cursor"] == 600
    assert [letter["seq"] for letter in await campus.items("dead-letters")] == list(bad)
    assert [row["transaction_id"] for row in await campus.items("transactions", limit=3)] == [
        number for number in (600, 599, 598, 597) if number not in bad
    ][:3]
    assert len(tries) <= 1 + 2 * 10 * len(bad)


async def test_a_number_that_no_database_can_hold_is_a_dead_letter_before_anything_is_written(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = list[int]()
    kind = TransactionStarted.TYPE
    monkeypatch.setitem(app.APPLIERS, kind, (lambda _unit, events: tries.append(len(events)), *app.APPLIERS[kind]))
    box = campus.edge.outboxes[Stream.LEDGER]
    for number in (1, 2, 3):
        box.add(started(number), more={"connector_id": 2**70} if number == 2 else None)
    assert (await campus.edge.push(Stream.LEDGER)).json()["cursor"] == 3
    letters = [(letter["seq"], letter["reason"]) for letter in await campus.items("dead-letters")]
    assert letters == [(2, "connector_id: Input should be less than 9223372036854775808")]
    assert tries == [2]


async def test_nobody_without_a_key_sees_them(campus: Campus) -> None:
    assert (await campus.client.get("/api/v1/dead-letters")).status_code == 401
    assert (await campus.client.post("/api/v1/dead-letters/redrive")).status_code in {401, 415}
