"""What happened to the other side? A cloud that was restored from a backup."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select

from cloud.commands.exchanges import commands
from cloud.db.database import Unit
from cloud.errors import EpochError
from cloud.ingest.service.incarnation import become_another
from cloud.models.link import LedgerEventRow, StreamCursorRow
from cloud.models.metering import MeterValueRow
from contract.commands import CommandState
from contract.events import CommandProgressed
from contract.link import StreamHead
from contract.mqtt import CommandsRequest
from contract.streams import Stream
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.edge_double import NOON, EdgeDouble
from tests.integration.cloud.test_commands import ask
from tests.integration.cloud.test_epochs import STREAMS, ledger, lives, meter_values, send_on, some


def put_back(unit: Unit, cursors: dict[str, tuple[int, bytes]]) -> None:
    """Let the database be what it was when its cursors stood there."""
    for cursor in unit.scalars(select(StreamCursorRow)):
        cursor.cursor, cursor.hash = cursors[cursor.stream]
    unit.execute(delete(LedgerEventRow).where(LedgerEventRow.seq > cursors["ledger"][0]))
    unit.execute(delete(MeterValueRow).where(MeterValueRow.seq > cursors["meter"][0]))


async def test_a_restored_cloud_becomes_another_incarnation_to_an_edge_that_tells_it_of_more(campus: Campus) -> None:
    edge = campus.edge
    before = (await edge.greet()).json()["incarnation"]
    edge.incarnation = UUID(before)
    await edge.tell(*some(3))
    with campus.database.read() as unit:
        backup = {row.stream: (row.cursor, row.hash) for row in unit.scalars(select(StreamCursorRow))}
    await edge.tell(*some(3, "LATER"))
    with campus.database.write() as unit:
        put_back(unit, backup)
    answer = (await edge.greet()).json()
    assert answer["incarnation"] != before
    assert answer["streams"]["meter"]["cursor"] == 3
    assert (await edge.greet()).json()["incarnation"] == answer["incarnation"]
    pulled = (await edge.pull())["incarnation"]
    assert pulled == answer["incarnation"]


@pytest.mark.parametrize("boast", ["command number", "cursor", "epoch"])
async def test_what_one_edge_says_of_a_lost_past_is_no_matter_of_the_others(campus: Campus, boast: str) -> None:
    liar, other = campus.edge, campus.another_edge("south")
    before = UUID((await other.greet()).json()["incarnation"])
    liar.incarnation = other.incarnation = before
    await liar.greet()
    await liar.tell(*some(1))
    seen = {before}
    for time in range(3):
        match boast:
            case "command number":
                told = await liar.greet(last_command_number=10**18)
            case "cursor":
                head = StreamHead(head=9, acknowledged=9, oldest_kept=1, hash="00" * 32)
                told = await liar.greet(streams={**liar.greeting().streams, Stream.STATE: head})
            case _:
                told = await liar.greet(epoch=2 + time)
        assert told.status_code == 200, told.text
        liar.incarnation = UUID(told.json()["incarnation"])
        seen.add(liar.incarnation)
    assert len(seen) == 4, "it believes itself"
    assert UUID((await other.pull())["incarnation"]) == before
    assert UUID((await other.greet()).json()["incarnation"]) == before


async def test_the_word_of_an_operator_holds_for_every_edge(campus: Campus) -> None:
    edge, other = campus.edge, campus.another_edge("south")
    edge.incarnation = UUID((await edge.greet()).json()["incarnation"])
    assert UUID((await edge.greet(last_command_number=7)).json()["incarnation"]) != edge.incarnation
    said = str(become_another(campus.database))
    assert [(await one.greet()).json()["incarnation"] for one in (edge, other)] == [said, said]


async def test_a_command_number_that_was_never_given_tells_of_a_restore(campus: Campus) -> None:
    await campus.with_charge_point()
    before = (await campus.edge.greet()).json()["incarnation"]
    campus.edge.incarnation = UUID(before)
    pulled = await campus.client.get("/api/v1/edges/tower/commands?after=7", headers=campus.edge.headers)
    assert pulled.status_code == 409
    assert (await campus.edge.greet(last_command_number=0)).json()["incarnation"] == before
    assert (await campus.edge.greet(last_command_number=7)).json()["incarnation"] != before


async def test_a_number_that_was_given_to_another_command_tells_of_a_restore(campus: Campus) -> None:
    """The database was put back while nobody asked, and has given the same numbers again."""
    await campus.with_charge_point()
    before = (await campus.edge.greet()).json()["incarnation"]
    campus.edge.incarnation = UUID(before)
    command = (await ask(campus))["command"]

    async def pulled(**last: str) -> int:
        params: dict[str, str | int] = {"after": 1, "wait": 0, **last}
        answer = await campus.client.get("/api/v1/edges/tower/commands", params=params, headers=campus.edge.headers)
        return answer.status_code

    assert [await pulled(), await pulled(last=command), await pulled(last=str(uuid4()))] == [200, 200, 409]
    asked = CommandsRequest(after=1, last=uuid4()).model_dump_json().encode()
    with pytest.raises(EpochError):
        commands(campus.database, campus.clock, "tower", asked)
    for greeted in ({}, {"last_command": UUID(command)}):
        answer = await campus.edge.greet(last_command_number=1, **greeted)
        assert answer.json()["incarnation"] == before
    assert (await campus.edge.greet(last_command_number=1, last_command=uuid4())).json()["incarnation"] != before


@pytest.mark.parametrize("release", ["this", "earlier"])
async def test_a_command_of_the_lost_hours_comes_back_with_what_its_edge_tells(campus: Campus, release: str) -> None:
    told: dict[str, Any] = {"charge_point": "CP1", "action": "Reset"} if release == "this" else {}
    command = uuid4()
    for state in (CommandState.DELIVERED, CommandState.STARTED, CommandState.SUCCEEDED):
        await campus.edge.tell(CommandProgressed(command=command, state=state, at=NOON, **told))
    [row] = await campus.items("commands")
    assert (row["command"], row["state"], row["overdue"]) == (str(command), "SUCCEEDED", False)
    assert (row["charge_point"], row["action"]) == (told.get("charge_point", ""), told.get("action", ""))
    moves = (await campus.get(f"commands/{command}")).json()["transitions"]
    assert [(move["state"], move["applied"]) for move in moves] == [
        ("DELIVERED", True),
        ("STARTED", True),
        ("SUCCEEDED", True),
    ]
    assert len(ledger(campus)) == 3
    assert await campus.items("dead-letters") == []
    assert (await campus.edge.pull())["items"] == []


async def test_no_edge_may_tell_of_another_ones_command(campus: Campus) -> None:
    command, other = uuid4(), campus.another_edge("south")
    await campus.edge.tell(CommandProgressed(command=command, state=CommandState.STARTED, at=NOON))
    await other.tell(CommandProgressed(command=command, state=CommandState.SUCCEEDED, at=NOON))
    assert [(row["site"], row["state"]) for row in await campus.items("commands")] == [("tower", "STARTED")]
    assert [letter["site"] for letter in await campus.items("dead-letters")] == ["south"]


async def test_an_operator_may_say_that_the_database_was_restored(campus: Campus) -> None:
    before = (await campus.edge.greet()).json()["incarnation"]
    said = become_another(campus.database)
    assert str(said) != before
    assert (await campus.edge.greet()).json()["incarnation"] == str(said)


async def test_a_cloud_restored_to_before_a_grant_remembers_it_from_the_edge(campus: Campus) -> None:
    """Epoch 2 is not known here; the edge goes on with it from where this database stands."""
    edge = campus.edge
    await edge.greet()
    await edge.tell(*some(3))
    edge.record(*some(2, "SECOND"))
    edge.epoch = 2
    answer = await edge.settle()
    assert answer.epoch in {2, 3}
    await send_on(edge)
    assert sum(meter_values(campus).values()) == 5
    assert [life["why"] for life in (await lives(campus))["epochs"]] == ["first", "remembered"]


async def test_a_cloud_restored_to_before_a_grant_may_know_more_of_the_old_epoch_than_the_edge(campus: Campus) -> None:
    first = campus.edge
    await first.greet()
    await first.tell(*some(3))
    restored = first.copied("boot 2")
    await first.tell(*some(4, "LOST"))
    restored.record(*some(6, "OWN"))
    restored.epoch = 2  # granted by what this database will never know of
    for stream in STREAMS:
        restored.cursors[stream] = 9
    assert (await restored.greet()).json()["epoch"] == 2
    assert (await restored.settle()).epoch == 3
    assert all(restored.cursors[stream] == 3 for stream in STREAMS)
    await send_on(restored)
    assert set(meter_values(campus).values()) == {1}
    assert sum(meter_values(campus).values()) == 3 + 4 + 6
    assert len(ledger(campus)) == 3 + 4 + 6


async def test_a_new_store_that_an_earlier_day_had_granted_an_epoch_keeps_it(campus: Campus) -> None:
    await campus.edge.greet()
    fresh = EdgeDouble(campus.client, "tower", "")
    fresh.headers, fresh.epoch = campus.edge.headers, 5
    assert (await fresh.greet()).json()["epoch"] == 5
