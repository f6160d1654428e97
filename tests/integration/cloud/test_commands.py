"""A command from the request to its end, as the operator and the edge see it."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID, uuid4

import pytest

from cloud.commands.service.expiring import expire_late
from contract.commands import CommandError, CommandErrorCode, CommandState
from contract.events import CommandProgressed, RemoteStartConcluded
from contract.operations import OPERATIONS
from tests.harness.operations import BODIES
from tests.integration.cloud.conftest import Campus

CLIENT = "sites/tower/central-system/clients/CP1"


def progressed(campus: Campus, command: str, state: CommandState, **more: Any) -> CommandProgressed:
    return CommandProgressed(command=UUID(command), state=state, at=campus.clock.now, **more)


async def ask(campus: Campus, path: str = "reset", wait: float = 0) -> dict[str, Any]:
    answer = await campus.post(f"{CLIENT}/{path}", BODIES[path], wait=wait)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/v1/commands/{answer.json()['command']}"
    command: dict[str, Any] = answer.json()
    return command


async def state_of(campus: Campus, command: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await campus.get(f"commands/{command['command']}")).json()
    return found


async def obey(campus: Campus, last: CommandProgressed | None = None, **end: Any) -> None:
    """Be the edge: pull the next command and tell how it went."""
    [item] = (await campus.edge.pull(wait=10))["items"]
    command = item["command"]
    await campus.edge.tell(
        progressed(campus, command, CommandState.DELIVERED),
        progressed(campus, command, CommandState.STARTED),
        progressed(campus, command, **end),
    )


@pytest.mark.parametrize("path", sorted(OPERATIONS))
async def test_an_operation_answers_what_the_charge_point_answered(campus: Campus, path: str) -> None:
    await campus.with_charge_point()
    answered = {"status": "Accepted", "custom": [1]}
    answer, _ = await asyncio.gather(
        campus.post(f"{CLIENT}/{path}", BODIES[path], wait=20),
        obey(campus, state=CommandState.SUCCEEDED, answer=answered),
    )
    assert (answer.status_code, answer.json()) == (200, answered)


async def test_an_answer_wakes_the_waiter_at_once(campus: Campus) -> None:
    await campus.with_charge_point()
    began = time.monotonic()
    answer, _ = await asyncio.gather(
        campus.post(f"{CLIENT}/reset", BODIES["reset"], wait=50),
        obey(campus, state=CommandState.REJECTED, answer={"status": "Rejected"}),
    )
    assert (answer.status_code, answer.json()) == (200, {"status": "Rejected"})
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (CommandErrorCode.UNKNOWN_CHARGE_POINT, 404),
        (CommandErrorCode.NOT_CONNECTED, 409),
        (CommandErrorCode.NO_CONNECTOR, 409),
        (CommandErrorCode.CALL_ERROR, 502),
        (CommandErrorCode.TIMEOUT, 504),
        (CommandErrorCode.NOT_SENT, 504),
        (CommandErrorCode.UNSUITABLE, 409),
        (CommandErrorCode.INTERNAL, 502),
    ],
)
async def test_a_failure_is_a_problem_that_names_its_cause(campus: Campus, code: CommandErrorCode, status: int) -> None:
    await campus.with_charge_point()
    error = CommandError(code=code, detail="so it went", ocpp_code="NotSupported" if "Call" in code else None)
    answer, _ = await asyncio.gather(
        campus.post(f"{CLIENT}/unlock-connector", BODIES["unlock-connector"], wait=20),
        obey(campus, state=CommandState.FAILED, error=error),
    )
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "so it went"
    assert answer.json().get("ocpp_code") == error.ocpp_code


async def test_an_interrupted_command_is_a_bad_gateway(campus: Campus) -> None:
    await campus.with_charge_point()
    answer, _ = await asyncio.gather(
        campus.post(f"{CLIENT}/reset", BODIES["reset"], wait=20), obey(campus, state=CommandState.INTERRUPTED)
    )
    assert answer.status_code == 502
    assert answer.json()["type"] == "urn:gardu:problem:interrupted"


async def test_without_an_answer_in_time_the_command_can_be_followed(campus: Campus) -> None:
    await campus.with_charge_point()
    command = await ask(campus)
    assert (command["state"], command["handed_out_at"]) == ("CREATED", None)
    await obey(campus, state=CommandState.SUCCEEDED, answer={"status": "Accepted"})
    followed = await state_of(campus, command)
    assert [move["state"] for move in followed["transitions"]] == ["CREATED", "DELIVERED", "STARTED", "SUCCEEDED"]
    assert [move["told_by"] for move in followed["transitions"]] == ["cloud", "edge", "edge", "edge"]
    assert all(move["applied"] and move["at"] and move["received_at"] for move in followed["transitions"])
    assert followed["answer"] == {"status": "Accepted"}
    assert followed["requested_by"] == "tester"


async def test_the_payload_reaches_the_edge_as_ocpp_spells_it(campus: Campus) -> None:
    await campus.with_charge_point()
    await ask(campus, "start-transaction")
    [item] = (await campus.edge.pull())["items"]
    assert (item["number"], item["kind"], item["action"]) == (1, "execute", "RemoteStartTransaction")
    assert item["payload"] == BODIES["start-transaction"]
    assert item["remaining_s"] == 60
    assert item["requested_by"] == "tester"


@pytest.mark.parametrize("transaction", [uuid4(), None])
async def test_k59_what_came_of_a_remote_start_is_shown_with_its_command(
    campus: Campus, transaction: UUID | None
) -> None:
    await campus.with_charge_point()
    command = await ask(campus, "start-transaction")
    await obey(campus, state=CommandState.SUCCEEDED, answer={"status": "Accepted"})
    assert (await state_of(campus, command))["effect"] is None
    concluded = RemoteStartConcluded(
        charge_point="CP1",
        connector_id=1,
        id_tag="12345",
        command=UUID(command["command"]),
        asked_at=campus.clock.now,
        outcome="NoTransaction" if transaction is None else "Started",
        transaction=transaction,
    )
    await campus.edge.tell(concluded, concluded.model_copy(update={"command": None}))
    followed = await state_of(campus, command)
    assert followed["state"] == "SUCCEEDED"
    assert followed["effect"]["outcome"] == concluded.outcome
    assert followed["effect"]["transaction"] == (None if transaction is None else str(transaction))


async def test_k75_a_password_reaches_the_edge_and_is_shown_to_nobody(campus: Campus) -> None:
    await campus.with_charge_point()
    body = {"key": "AuthorizationKey", "value": "hunter2-hunter2"}
    ordered = await campus.post(f"{CLIENT}/change-configuration", body, wait=0)
    assert ordered.status_code == 202
    assert "hunter2" not in ordered.text
    [item] = (await campus.edge.pull())["items"]
    assert item["payload"] == body
    await obey(campus, state=CommandState.SUCCEEDED, answer={"status": "Accepted"})
    for path in ("commands", f"commands/{ordered.json()['command']}"):
        shown = await campus.get(path)
        assert "AuthorizationKey" in shown.text
        assert "hunter2" not in shown.text


async def test_numbers_have_no_holes_when_many_ask_at_once(campus: Campus) -> None:
    await campus.with_charge_point()
    await asyncio.gather(*(ask(campus) for _ in range(20)))
    items = (await campus.edge.pull())["items"]
    assert [item["number"] for item in items] == list(range(1, 21))
    assert [item["number"] for item in (await campus.edge.pull(after=15))["items"]] == [16, 17, 18, 19, 20]


async def test_a_command_that_ended_is_not_handed_out_again(campus: Campus) -> None:
    await campus.with_charge_point()
    await ask(campus)
    await obey(campus, state=CommandState.SUCCEEDED, answer={"status": "Accepted"})
    assert (await campus.edge.pull(after=0))["items"] == []


async def test_a_long_poll_hears_a_new_command_at_once(campus: Campus) -> None:
    await campus.with_charge_point()
    poll = asyncio.create_task(campus.edge.pull(wait=50))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    await ask(campus)
    assert len((await poll)["items"]) == 1
    assert time.monotonic() - began < 5


async def test_a_command_that_nobody_fetched_expires(campus: Campus) -> None:
    await campus.with_charge_point()
    command = await ask(campus, "unlock-connector")
    campus.clock.forward(seconds=61)
    assert (await campus.edge.pull())["items"] == []
    followed = await state_of(campus, command)
    assert (followed["state"], followed["overdue"]) == ("EXPIRED", False)
    assert followed["transitions"][-1]["told_by"] == "cloud"


@pytest.mark.parametrize("read", ["one", "list", "task"])
async def test_expiry_is_seen_by_whoever_looks_first(campus: Campus, read: str) -> None:
    await campus.with_charge_point()
    command = await ask(campus, "unlock-connector")
    campus.clock.forward(seconds=61)
    if read == "task":
        assert expire_late(campus.database, campus.clock()) == 1
        assert expire_late(campus.database, campus.clock()) == 0
    found = await state_of(campus, command) if read == "one" else (await campus.items("commands"))[0]
    assert found["state"] == "EXPIRED"


async def test_a_request_that_waits_past_the_deadline_hears_that_it_expired(campus: Campus) -> None:
    await campus.with_charge_point()
    pending = asyncio.create_task(campus.post(f"{CLIENT}/unlock-connector", BODIES["unlock-connector"], wait=20))
    await asyncio.sleep(0.2)
    campus.clock.forward(seconds=61)
    answer = await pending
    assert answer.status_code == 504
    assert answer.json()["type"] == "urn:gardu:problem:expired"


async def test_a_handed_out_command_past_its_deadline_is_overdue_and_a_late_result_wins(campus: Campus) -> None:
    await campus.with_charge_point()
    command = await ask(campus, "unlock-connector")
    await campus.edge.pull()
    campus.clock.forward(seconds=61)
    found = await state_of(campus, command)
    assert (found["state"], found["overdue"]) == ("CREATED", True)
    identity = command["command"]
    await campus.edge.tell(*(progressed(campus, identity, state) for state in (CommandState.DELIVERED,)))
    await campus.edge.tell(progressed(campus, identity, CommandState.STARTED))
    await campus.edge.tell(progressed(campus, identity, CommandState.SUCCEEDED, answer={"status": "Unlocked"}))
    found = await state_of(campus, command)
    assert (found["state"], found["overdue"]) == ("SUCCEEDED", False)


async def test_a_command_whose_edge_proves_that_it_never_got_it_expires(campus: Campus) -> None:
    await campus.with_charge_point()
    command = await ask(campus, "unlock-connector")
    await campus.edge.pull()  # the answer is lost
    campus.clock.forward(seconds=61)
    assert (await campus.edge.pull(after=0))["items"] == []
    assert (await state_of(campus, command))["state"] == "EXPIRED"


async def test_what_the_edge_knows_wins_over_the_clouds_own_guess(campus: Campus) -> None:
    await campus.with_charge_point()
    command = await ask(campus, "unlock-connector")
    campus.clock.forward(seconds=61)
    assert (await state_of(campus, command))["state"] == "EXPIRED"
    await campus.edge.tell(
        progressed(campus, command["command"], CommandState.SUCCEEDED, answer={"status": "Unlocked"})
    )
    assert (await state_of(campus, command))["state"] == "SUCCEEDED"
    await campus.edge.tell(progressed(campus, command["command"], CommandState.EXPIRED))
    assert (await state_of(campus, command))["state"] == "SUCCEEDED"


async def test_a_late_or_impossible_move_is_noted_but_moves_nothing(campus: Campus) -> None:
    await campus.with_charge_point()
    command = await ask(campus)
    await obey(campus, state=CommandState.SUCCEEDED, answer={"status": "Accepted"})
    await campus.edge.tell(progressed(campus, command["command"], CommandState.STARTED))
    found = await state_of(campus, command)
    assert found["state"] == "SUCCEEDED"
    assert found["answer"] == {"status": "Accepted"}
    assert [move["applied"] for move in found["transitions"]] == [True, True, True, True, False]


async def test_a_move_of_another_site_s_command_is_a_dead_letter_and_an_unknown_one_is_remembered(
    campus: Campus,
) -> None:
    await campus.with_charge_point()
    command = await ask(campus)
    other = campus.another_edge("annex")
    await other.tell(progressed(campus, command["command"], CommandState.STARTED))
    await other.tell(progressed(campus, str(uuid4()), CommandState.STARTED))
    dead = {site["site"]: site["link"]["streams"]["ledger"]["dead_letters"] for site in await campus.items("sites")}
    assert dead == {"annex": 1, "tower": 0}
    assert (await state_of(campus, command))["state"] == "CREATED"


async def test_canceling_before_the_edge_saw_it_takes_it_back_at_once(campus: Campus) -> None:
    await campus.with_charge_point()
    command = await ask(campus)
    answer = await campus.post(f"commands/{command['command']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "CANCELED")
    assert (await campus.edge.pull())["items"] == []
    assert (await campus.post(f"commands/{command['command']}/cancel")).status_code == 409


async def test_canceling_after_it_was_handed_out_asks_the_edge(campus: Campus) -> None:
    await campus.with_charge_point()
    command = await ask(campus)
    await campus.edge.pull()
    for _ in range(2):
        answer = await campus.post(f"commands/{command['command']}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (202, "CREATED")
    [item] = (await campus.edge.pull(after=1))["items"]
    assert (item["number"], item["kind"], item["command"]) == (2, "cancel", command["command"])
    await campus.edge.tell(
        progressed(campus, command["command"], CommandState.DELIVERED),
        progressed(campus, command["command"], CommandState.CANCELED),
    )
    assert (await state_of(campus, command))["state"] == "CANCELED"


async def test_a_started_command_cannot_be_taken_back(campus: Campus) -> None:
    await campus.with_charge_point()
    command = await ask(campus)
    await campus.edge.pull()
    for state in (CommandState.DELIVERED, CommandState.STARTED):
        await campus.edge.tell(progressed(campus, command["command"], state))
    assert (await campus.post(f"commands/{command['command']}/cancel")).status_code == 409


async def test_unknown_sites_and_charge_points_are_not_found_at_once(campus: Campus) -> None:
    answer = await campus.post(f"{CLIENT}/clear-cache", wait=50)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:gardu:problem:unknown-charge-point")
    answer = await campus.post("sites/nowhere/central-system/clients/CP1/clear-cache")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:gardu:problem:unknown-site")
    assert (await campus.get("sites/nowhere/central-system/clients")).status_code == 404
    assert (await campus.get(f"commands/{uuid4()}")).status_code == 404
    assert (await campus.post(f"commands/{uuid4()}/cancel")).status_code == 404


async def test_the_paper_s_list_of_clients_is_those_connected(campus: Campus) -> None:
    await campus.with_charge_point("123")
    assert (await campus.get("sites/tower/central-system/clients")).json() == ["123"]


async def test_commands_are_listed_newest_first_and_filtered(campus: Campus) -> None:
    await campus.with_charge_point()
    made = []
    for _ in range(5):
        campus.clock.forward(seconds=1)
        made.append((await ask(campus))["command"])
    await campus.post(f"commands/{made[1]}/cancel")
    listed = await campus.items("commands", site="tower")
    assert [command["command"] for command in listed] == made[::-1]
    assert [command["command"] for command in await campus.items("commands", state="CANCELED")] == [made[1]]
    assert await campus.items("commands", site="annex") == []
    page = (await campus.get("commands", limit=2)).json()
    rest = (await campus.get("commands", limit=1000, cursor=page["next_cursor"])).json()
    assert [c["command"] for c in page["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None


async def test_the_openapi_document_names_each_operation_s_body(campus: Campus) -> None:
    document = (await campus.client.get("/api/v1/openapi.json")).json()
    for path, operation in OPERATIONS.items():
        post = document["paths"][f"/api/v1/sites/{{site}}/central-system/clients/{{id}}/{path}"]["post"]
        assert operation.action in str(post["requestBody"])
