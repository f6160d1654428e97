"""An edge of an earlier release against this cloud: what it says and sends is taken as it always was."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from cloud.models.link import DeadLetterRow, UnknownEventRow
from contract.batch import Envelope
from contract.events import EVENTS, CommandProgressed, Skipped
from contract.streams import Stream
from tests.integration.cloud.conftest import Campus

GOLDEN = Path(__file__).parents[2] / "unit" / "cloud" / "golden"


async def test_the_greeting_of_the_first_release_is_answered(campus: Campus) -> None:
    raw = (GOLDEN / "first_release" / "greeting.json").read_bytes()
    headers = {**campus.edge.headers, "Content-Type": "application/json"}
    answer = await campus.client.post("/api/v1/edges/tower/greeting", content=raw, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["contract_version"] == 1
    assert answer.json()["streams"]["ledger"] == {"cursor": 0, "hash": "00" * 32}


async def test_a_greeting_in_a_version_that_nobody_speaks_here_says_who_must_be_upgraded(campus: Campus) -> None:
    said = campus.edge.greeting().model_dump(mode="json") | {"contract_version": 99, "contract_versions": [98, 99]}
    answer = await campus.client.post("/api/v1/edges/tower/greeting", json=said, headers=campus.edge.headers)
    assert (answer.status_code, answer.json()["upgrade"]) == (403, "cloud")
    assert "Upgrade gardu-cloud" in answer.json()["hint"]


async def test_every_event_that_was_ever_written_is_applied_with_and_without_what_may_be_left_out(
    campus: Campus,
) -> None:
    for kind, model in EVENTS.items():
        if kind in {Skipped.TYPE, CommandProgressed.TYPE}:  # the one is no record, the other needs its command
            continue
        box = campus.edge.outboxes[model.STREAM]
        for number, line in enumerate((GOLDEN / f"{kind.replace('.', '_')}.json").read_bytes().splitlines()):
            envelope = Envelope.model_validate_json(line)
            fresh = envelope.id.int + (list(EVENTS).index(kind) << 16) + number
            changes = {"seq": box.head + 1, "id": type(envelope.id)(int=fresh)}
            box.add_raw(envelope.model_copy(update=changes).model_dump_json().encode())
    for stream in Stream:
        assert (await campus.edge.push(stream)).status_code == 200
    with campus.database.read() as unit:
        refused = {row.type: row.reason for row in unit.scalars(select(DeadLetterRow)).all()}
        unknown = {row.type for row in unit.scalars(select(UnknownEventRow)).all()}
    assert refused == {}
    assert unknown <= EVENTS.keys()
