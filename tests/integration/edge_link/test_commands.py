from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from contract.batch import Envelope
from contract.commands import FINAL_STATES, CommandError, CommandErrorCode, CommandState
from contract.link import CommandItemKind
from contract.streams import Stream
from edge.errors import (
    CallFailedError,
    CallTimeoutError,
    ConnectionBrokeError,
    GarduEdgeError,
    NoConnectorError,
    NotConnectedError,
    StoreUnavailableError,
    TooLateError,
    UnknownChargePointError,
)
from edge.store import commands
from edge.store.commands import StoredCommand
from tests.integration.edge_link.cloud_server import CloudServer, truncated
from tests.integration.edge_link.conftest import Site, until

S = CommandState


class Yard:
    """Stands in for the charge points: remembers each call, answers as told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.running: Counter[str] = Counter()
        self.side_by_side = 0
        self.delay_s = 0.0
        self.raises: Exception | None = None
        self.answer: dict[str, Any] = {"status": "Accepted"}
        self.before_send: Callable[[], None] = lambda: None

    async def perform(
        self, charge_point: str, action: str, payload: dict[str, Any], may_send: Callable[[], bool], _: UUID
    ) -> dict[str, Any]:
        self.before_send()
        if not may_send():
            raise TooLateError("The deadline passed.")
        self.calls.append((charge_point, action, payload))
        assert self.running[charge_point] == 0
        self.running[charge_point] += 1
        self.side_by_side = max(self.side_by_side, sum(self.running.values()))
        try:
            await asyncio.sleep(self.delay_s)
        finally:
            self.running[charge_point] -= 1
        if self.raises is not None:
            raise self.raises
        return self.answer


async def deliver(site: Site, action: str = "ClearCache", *, state: CommandState = S.DELIVERED, **changes: Any) -> UUID:
    """Put a command into the inbox, as the link does."""
    command = StoredCommand(
        command=uuid4(),
        number=1,
        action=action,
        charge_point="CP-1",
        payload={},
        requested_by="tests",
        state=state,
        boot_id=site.clock.boot_id,
        deadline_boottime=site.clock.boottime() + 60,
    )
    command = replace(command, **changes)
    await site.writer.run(lambda tx: commands.insert(tx.connection, command, datetime.now(UTC)))
    return command.command


def stored(site: Site, command: UUID) -> tuple[str, str | None, str | None]:
    row = site.readers.run_now(
        lambda c: c.execute("SELECT state, answer, error FROM command WHERE command = ?", (str(command),)).fetchone()
    )
    return row["state"], row["answer"], row["error"]


def is_final(site: Site, command: UUID) -> bool:
    return stored(site, command)[0] in FINAL_STATES


async def test_a_command_goes_from_the_cloud_to_the_charge_point_and_its_result_back(
    site: Site, cloud: CloudServer
) -> None:
    yard = Yard()
    async with site.relaying(yard.perform), site.link(cloud.url):
        command = cloud.order("Reset", type="Soft")
        await until(lambda: (command, "SUCCEEDED") in cloud.progress())
    assert yard.calls == [("CP-1", "Reset", {"type": "Soft"})]
    assert [state for _, state in cloud.progress()] == ["DELIVERED", "STARTED", "SUCCEEDED"]
    assert stored(site, command) == ("SUCCEEDED", '{"status":"Accepted"}', None)


async def test_a_second_copy_gets_the_stored_state_and_never_a_second_run(site: Site, cloud: CloudServer) -> None:
    yard = Yard()
    async with site.relaying(yard.perform), site.link(cloud.url):
        command = cloud.order("Reset", type="Soft")
        await until(lambda: (command, "SUCCEEDED") in cloud.progress())
        cloud.add(command, "Reset", type="Soft")
        await until(lambda: len(cloud.progress()) == 4)
    assert cloud.progress()[-1] == (command, "SUCCEEDED")
    assert len(yard.calls) == 1


async def test_k75_a_password_reaches_the_charge_point_and_is_forgotten_with_the_end_of_its_command(
    site: Site, cloud: CloudServer
) -> None:
    yard = Yard()
    payload: dict[str, Any] = {"key": "AuthorizationKey", "value": "hunter2-hunter2"}
    async with site.relaying(yard.perform), site.link(cloud.url):
        command = cloud.order("ChangeConfiguration", **payload)
        await until(lambda: (command, "SUCCEEDED") in cloud.progress())
    assert yard.calls == [("CP-1", "ChangeConfiguration", payload)]
    kept = site.readers.run_now(lambda connection: commands.find(connection, command))
    assert kept is not None
    assert kept.payload == payload | {"value": "(redacted)"}


async def test_the_edge_names_the_newest_command_that_it_has(site: Site, cloud: CloudServer) -> None:
    async with site.link(cloud.url):
        cloud.order("Reset", type="Soft")
        command = cloud.order("Reset", type="Soft")
        await until(lambda: len(cloud.last_named) > 1 and cloud.last_named[-1] == str(command))
    assert cloud.last_named[0] is None
    async with site.link(cloud.url):
        await until(lambda: len(cloud.greetings) > 1)
    assert [greeting.last_command for greeting in cloud.greetings] == [None, command]
    cloud.model.incarnation, before = uuid4(), len(cloud.pulls)
    async with site.link(cloud.url):
        await until(lambda: len(cloud.greetings) > 2 and 0 in cloud.pulls[before:])
    assert cloud.last_named[cloud.pulls.index(0, before)] is None, "it means nothing to another cloud database"


async def test_a_lost_answer_delivers_once(site: Site, cloud: CloudServer) -> None:
    cloud.faults["commands"].append(truncated)
    yard = Yard()
    command = cloud.order("Reset", type="Soft")
    async with site.relaying(yard.perform), site.link(cloud.url):
        await until(lambda: (command, "SUCCEEDED") in cloud.progress())
    assert len(yard.calls) == 1


async def test_a_canceled_command_is_not_run(site: Site, cloud: CloudServer) -> None:
    command = cloud.order("Reset", type="Soft")
    async with site.link(cloud.url):
        await until(lambda: (command, "DELIVERED") in cloud.progress())
        cloud.add(command, "Reset", kind=CommandItemKind.CANCEL, type="Soft")
        await until(lambda: (command, "CANCELED") in cloud.progress())
    yard = Yard()
    async with site.relaying(yard.perform):
        await asyncio.sleep(0.1)
    assert yard.calls == []


async def test_a_cancel_that_comes_too_late_changes_nothing(site: Site, cloud: CloudServer) -> None:
    yard = Yard()
    yard.delay_s = 0.3
    command = cloud.order("Reset", type="Soft")
    async with site.relaying(yard.perform), site.link(cloud.url):
        await until(lambda: len(yard.calls) == 1)
        cloud.add(command, "Reset", kind=CommandItemKind.CANCEL, type="Soft")
        await until(lambda: (command, "SUCCEEDED") in cloud.progress())
    assert "CANCELED" not in [state for _, state in cloud.progress()]


async def test_a_cancel_that_overtakes_its_command_keeps_it_from_running(site: Site, cloud: CloudServer) -> None:
    command = uuid4()
    cloud.add(command, "Reset", kind=CommandItemKind.CANCEL, type="Soft")
    cloud.add(command, "Reset", type="Soft")
    yard = Yard()
    async with site.relaying(yard.perform), site.link(cloud.url):
        await until(lambda: len(cloud.progress()) == 2)
    assert yard.calls == []
    assert {state for _, state in cloud.progress()} == {"CANCELED"}


@pytest.mark.parametrize("remaining_s", [0.0, -5.0])
async def test_a_command_whose_time_ran_out_on_the_way_expires(
    site: Site, cloud: CloudServer, remaining_s: float
) -> None:
    yard = Yard()
    command = cloud.order("Reset", remaining_s=remaining_s, type="Soft")
    async with site.relaying(yard.perform), site.link(cloud.url):
        await until(lambda: (command, "EXPIRED") in cloud.progress())
    assert yard.calls == []


async def test_nothing_lives_longer_than_its_operation_may(site: Site, cloud: CloudServer) -> None:
    command = cloud.order("RemoteStartTransaction", remaining_s=1e9, idTag="A")
    before = site.clock.boottime()
    async with site.link(cloud.url):
        await until(lambda: (command, "DELIVERED") in cloud.progress())
    found = site.readers.run_now(lambda c: commands.find(c, command))
    assert found is not None
    assert found.deadline_boottime <= site.clock.boottime() + 60
    assert found.deadline_boottime >= before


async def test_a_command_of_another_boot_expires(site: Site) -> None:
    yard = Yard()
    command = await deliver(site, boot_id="before the power cut")
    async with site.relaying(yard.perform):
        await until(lambda: is_final(site, command))
    assert stored(site, command)[0] == "EXPIRED"
    assert yard.calls == []


async def test_a_deadline_that_passes_before_the_socket_write_sends_nothing(site: Site) -> None:
    yard = Yard()

    def sleep_through_the_deadline() -> None:
        site.clock.shift_s += 1_000

    yard.before_send = sleep_through_the_deadline
    command = await deliver(site)
    async with site.relaying(yard.perform):
        await until(lambda: is_final(site, command))
    state, _, error = stored(site, command)
    assert (state, yard.calls) == ("FAILED", [])
    assert '"NotSent"' in (error or "")


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (UnknownChargePointError("x"), CommandErrorCode.UNKNOWN_CHARGE_POINT),
        (NotConnectedError("x"), CommandErrorCode.NOT_CONNECTED),
        (ConnectionBrokeError("x"), CommandErrorCode.TIMEOUT),
        (NoConnectorError("x"), CommandErrorCode.NO_CONNECTOR),
        (CallFailedError("NotImplemented", "x"), CommandErrorCode.CALL_ERROR),
        (CallTimeoutError("x"), CommandErrorCode.TIMEOUT),
        (GarduEdgeError("x"), CommandErrorCode.INTERNAL),
        (RuntimeError("x"), CommandErrorCode.INTERNAL),
    ],
)
async def test_what_goes_wrong_is_told_and_the_next_command_runs(
    site: Site, raised: Exception, code: CommandErrorCode
) -> None:
    yard = Yard()
    yard.raises = raised
    first = await deliver(site)
    async with site.relaying(yard.perform) as relay:
        await until(lambda: is_final(site, first))
        yard.raises = None
        second = await deliver(site)
        relay.wake()
        await until(lambda: is_final(site, second))
    assert stored(site, first)[0] == "FAILED"
    assert f'"{code}"' in (stored(site, first)[2] or "")
    assert stored(site, second)[0] == "SUCCEEDED"


def deep(levels: int) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for _ in range(levels):
        answer = {"more": answer}
    return answer


@pytest.mark.parametrize(
    ("answer", "code", "because"),
    [
        ({"status": ["x"]}, CommandErrorCode.CALL_ERROR, "breaks the schema"),
        ({"status": "Accepted", **deep(300)}, CommandErrorCode.INTERNAL, "cannot be kept"),
        ({"status": "Accepted", **deep(220)}, CommandErrorCode.INTERNAL, "nested too deeply"),
        ({"status": "Accepted", "data": "x" * 300_000}, CommandErrorCode.INTERNAL, "300031 bytes"),
        ({"status": "Accepted", "data": "\ud800"}, CommandErrorCode.INTERNAL, "cannot be kept"),
        (["Accepted"], CommandErrorCode.INTERNAL, "could not be kept"),
    ],
)
async def test_an_odd_answer_ends_its_command_and_the_cloud_hears_of_it(
    site: Site, cloud: CloudServer, answer: Any, code: CommandErrorCode, because: str
) -> None:
    yard = Yard()
    yard.answer = answer
    async with site.relaying(yard.perform), site.link(cloud.url):
        command = cloud.order("Reset", type="Soft")
        await until(lambda: (command, "FAILED") in cloud.progress())
    assert [state for _, state in cloud.progress()] == ["DELIVERED", "STARTED", "FAILED"]
    error = CommandError.model_validate_json(stored(site, command)[2] or "")
    assert error.code is code
    assert because in error.detail
    for event in cloud.events(Stream.LEDGER):
        Envelope.model_validate_json(event)


async def test_a_result_that_cannot_be_stored_still_ends_its_command(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = commands.record

    def choosy(*arguments: Any, answer: Any = None, **more: Any) -> None:
        if answer is not None:
            raise ValueError("not this one")
        record(*arguments, answer=answer, **more)

    monkeypatch.setattr(commands, "record", choosy)
    command = await deliver(site)
    async with site.relaying(Yard().perform):
        await until(lambda: is_final(site, command))
    state, _, error = stored(site, command)
    assert state == "FAILED"
    assert "could not be kept (ValueError)" in (error or "")


async def test_charge_points_run_side_by_side_and_each_in_order(site: Site) -> None:
    yard = Yard()
    yard.delay_s = 0.02
    ids = [
        await deliver(site, "ChangeConfiguration", number=n, charge_point=f"CP-{n % 5}", payload={"n": n})
        for n in range(1, 41)
    ]
    async with site.relaying(yard.perform):
        await until(lambda: all(is_final(site, command) for command in ids))
    assert yard.side_by_side == 5
    for lane in range(5):
        numbers = [payload["n"] for name, _, payload in yard.calls if name == f"CP-{lane}"]
        assert numbers == sorted(numbers)
    assert len(yard.calls) == 40


@pytest.mark.parametrize(
    ("action", "deadline_s", "state", "calls"),
    [
        ("ChangeConfiguration", 60, "SUCCEEDED", 1),
        ("ChangeConfiguration", -1, "INTERRUPTED", 0),
        ("RemoteStartTransaction", 60, "INTERRUPTED", 0),
        ("Reset", 60, "INTERRUPTED", 0),
    ],
)
async def test_after_a_crash_only_what_does_no_harm_runs_again(
    site: Site, action: str, deadline_s: float, state: str, calls: int
) -> None:
    yard = Yard()
    deadline = site.clock.boottime() + deadline_s
    command = await deliver(site, action, state=S.STARTED, deadline_boottime=deadline)
    async with site.relaying(yard.perform):
        await until(lambda: is_final(site, command))
    assert (stored(site, command)[0], len(yard.calls)) == (state, calls)


async def test_a_crash_in_the_middle_of_a_call_leaves_started_on_disk(site: Site) -> None:
    yard = Yard()
    yard.delay_s = 30
    command = await deliver(site, "Reset")
    async with site.relaying(yard.perform):
        await until(lambda: len(yard.calls) == 1)
        assert stored(site, command)[0] == "STARTED"
    async with site.relaying(yard.perform):
        await until(lambda: is_final(site, command))
    assert (stored(site, command)[0], len(yard.calls)) == ("INTERRUPTED", 1)


async def test_a_result_outlives_a_store_that_fails_for_a_while(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    yard = Yard()
    command = await deliver(site)
    run, failures = site.writer.run, iter([False, True, True])

    async def failing(operation: Any) -> Any:
        if next(failures, False):
            raise StoreUnavailableError("disk full")
        return await run(operation)

    monkeypatch.setattr(site.writer, "run", failing)
    async with site.relaying(yard.perform):
        await until(lambda: is_final(site, command))
    assert (stored(site, command)[0], len(yard.calls)) == ("SUCCEEDED", 1)


async def test_a_thousand_commands_with_copies_crashes_and_faults_run_once_each(site: Site, cloud: CloudServer) -> None:
    yard = Yard()
    orders = [cloud.order("Reset", charge_point=f"CP-{n % 20}", type="Soft", n=n) for n in range(1_000)]
    for command in orders[::10]:
        cloud.add(command, "Reset", charge_point="CP-1", type="Soft")
    for _ in range(5):
        async with site.relaying(yard.perform), site.link(cloud.url):
            await asyncio.sleep(0.15)
        cloud.faults["commands"].append(truncated)
    async with site.relaying(yard.perform), site.link(cloud.url):
        await until(lambda: all(is_final(site, command) for command in orders), within_s=30)
        last = {}
        await until(lambda: len({c for c, s in cloud.progress() if s in FINAL_STATES}) == 1_000, within_s=30)
        last = dict(cloud.progress())
    runs = Counter(payload["n"] for _, _, payload in yard.calls)
    assert max(runs.values()) == 1
    assert set(last.values()) <= {"SUCCEEDED", "INTERRUPTED"}
