"""No command runs twice, also when its edge comes back on an empty disk."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import uuid4

import pytest

from cloud.app import REIMAGED
from cloud.ingest.service.greeting import greet
from contract.commands import CommandState
from tests.harness.operations import BODIES
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.edge_double import EdgeDouble
from tests.integration.cloud.test_commands import CLIENT, ask, progressed, state_of


async def tell(campus: Campus, command: dict[str, Any], *states: CommandState) -> None:
    await campus.edge.tell(*(progressed(campus, command["command"], state) for state in states))


async def reimage(campus: Campus) -> None:
    """The edge comes back on an empty disk: its numbers begin anew."""
    fresh = EdgeDouble(campus.client, campus.edge.site, "")
    fresh.headers = campus.edge.headers
    answer = await fresh.greet()
    assert answer.status_code == 200, answer.text
    fresh.epoch = answer.json()["epoch"]
    campus.edge = fresh


async def test_a_started_command_is_never_handed_out_again(campus: Campus) -> None:
    await campus.with_charge_point()
    command, after = await ask(campus), await ask(campus)
    await campus.edge.pull()
    await tell(campus, command, CommandState.DELIVERED)
    assert [item["number"] for item in (await campus.edge.pull(after=0))["items"]] == [1, 2]
    await tell(campus, command, CommandState.STARTED)
    assert [item["command"] for item in (await campus.edge.pull(after=0))["items"]] == [after["command"]]


async def test_what_a_re_imaged_edge_had_ends_and_none_of_it_is_handed_out_again(campus: Campus) -> None:
    await campus.with_charge_point()
    await campus.edge.greet()
    started, delivered, handed_out, ended = [await ask(campus) for _ in range(4)]
    await campus.edge.pull()
    await tell(campus, started, CommandState.DELIVERED, CommandState.STARTED)
    await tell(campus, delivered, CommandState.DELIVERED)
    await tell(campus, ended, CommandState.DELIVERED, CommandState.CANCELED)
    waiting = await ask(campus)
    await reimage(campus)
    assert campus.edge.epoch == 2
    for command, state in (
        (started, "INTERRUPTED"),
        (delivered, "EXPIRED"),
        (handed_out, "EXPIRED"),  # it may have been on the old disk: nobody knows
    ):
        found = await state_of(campus, command)
        last = found["transitions"][-1]
        assert (found["state"], last["state"], last["told_by"], last["applied"]) == (state, state, "cloud", True)
        assert "re-imaged" in found["error"]["detail"]
    assert (await state_of(campus, ended))["state"] == "CANCELED"
    assert (await state_of(campus, ended))["error"] is None
    assert [item["command"] for item in (await campus.edge.pull(after=0))["items"]] == [waiting["command"]]
    before = await state_of(campus, waiting)
    await campus.edge.greet()  # the same store once more
    assert await state_of(campus, waiting) == before


async def test_who_waits_for_a_command_of_a_re_imaged_edge_hears_of_it_at_once(campus: Campus) -> None:
    await campus.with_charge_point()
    await campus.edge.greet()
    pending = asyncio.create_task(campus.post(f"{CLIENT}/reset", BODIES["reset"], wait=50))
    [item] = (await campus.edge.pull(wait=10))["items"]
    await tell(campus, item, CommandState.DELIVERED, CommandState.STARTED)
    began = time.monotonic()
    await reimage(campus)
    answer = await pending
    assert time.monotonic() - began < 5
    assert (answer.status_code, answer.json()["type"]) == (502, "urn:gardu:problem:interrupted")
    assert "re-imaged" in answer.json()["detail"]
    assert "may or may not have obeyed" in answer.json()["hint"]


async def test_the_first_store_of_an_edge_ends_nothing(campus: Campus) -> None:
    await campus.with_charge_point()
    command = await ask(campus)
    await campus.edge.pull()
    await campus.edge.greet()
    assert (await state_of(campus, command))["state"] == "CREATED"


async def test_a_new_epoch_and_the_end_of_the_old_commands_are_one_transaction(campus: Campus) -> None:
    await campus.with_charge_point()
    await campus.edge.greet()
    command = await ask(campus)
    await campus.edge.pull()
    await tell(campus, command, CommandState.DELIVERED)
    greeting = campus.edge.greeting().model_copy(update={"store_id": uuid4()})

    def fail(*_arguments: Any) -> None:
        raise RuntimeError("the second hook")

    with pytest.raises(RuntimeError, match="the second hook"):
        greet(campus.database, "tower", greeting, (*REIMAGED, fail), campus.clock())
    assert (await state_of(campus, command))["state"] == "DELIVERED"
    assert (await campus.edge.greet()).json()["epoch"] == 1


async def test_a_later_word_of_the_edge_wins_over_the_clouds_conclusion(campus: Campus) -> None:
    await campus.with_charge_point()
    await campus.edge.greet()
    command = await ask(campus)
    await campus.edge.pull()
    await tell(campus, command, CommandState.DELIVERED, CommandState.STARTED)
    await reimage(campus)
    await campus.edge.tell(
        progressed(campus, command["command"], CommandState.SUCCEEDED, answer={"status": "Accepted"})
    )
    found = await state_of(campus, command)
    assert (found["state"], found["answer"], found["error"]) == ("SUCCEEDED", {"status": "Accepted"}, None)
