"""Which word of the edge moves a command, and what its end means to who asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from cloud.commands.schemas import Command
from cloud.commands.service.lifecycle import is_lost, is_overdue, may_move
from cloud.commands.service.outcomes import failure
from contract.commands import FINAL_STATES, TRANSITIONS, CommandError, CommandErrorCode, CommandState

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
STATES = list(CommandState)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("to", STATES)
def test_only_the_moves_of_the_contract_are_made(state: CommandState, to: CommandState) -> None:
    assert may_move(state, to, guessed=False) is (to in TRANSITIONS[state])
    if state in FINAL_STATES:
        assert not may_move(state, to, guessed=False)


@pytest.mark.parametrize("to", STATES)
def test_a_guess_of_the_cloud_yields_to_whatever_the_edge_knows(to: CommandState) -> None:
    assert may_move(CommandState.EXPIRED, to, guessed=True) is (to is not CommandState.CREATED)


@pytest.mark.parametrize("state", STATES)
def test_only_a_handed_out_late_and_open_command_is_overdue(state: CommandState) -> None:
    assert is_overdue(state, NOON, NOON, NOON) is (state not in FINAL_STATES)
    assert not is_overdue(state, NOON, None, NOON)
    assert not is_overdue(state, NOON + timedelta(seconds=1), NOON, NOON)


@pytest.mark.parametrize("state", STATES)
def test_only_what_never_reached_the_edge_is_lost(state: CommandState) -> None:
    assert is_lost(state, NOON, NOON) is (state is CommandState.CREATED)
    assert not is_lost(state, NOON + timedelta(seconds=1), NOON)


def command(state: CommandState, error: CommandError | None = None) -> Command:
    return Command(
        command=UUID(int=1),
        site="tower",
        charge_point="CP1",
        action="Reset",
        payload={},
        state=state,
        overdue=False,
        requested_by="ops",
        created_at=NOON,
        deadline=NOON,
        handed_out_at=None,
        cancel_requested_at=None,
        answer=None,
        error=error,
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (CommandState.CREATED, None),
        (CommandState.DELIVERED, None),
        (CommandState.STARTED, None),
        (CommandState.SUCCEEDED, None),
        (CommandState.REJECTED, None),
        (CommandState.FAILED, 502),
        (CommandState.INTERRUPTED, 502),
        (CommandState.EXPIRED, 504),
        (CommandState.CANCELED, 409),
    ],
)
def test_each_end_has_its_status(state: CommandState, status: int | None) -> None:
    found = failure(command(state))
    assert (found.status if found else None) == status
    if found:
        document = found.problem()
        assert document.status == status
        assert document.hint
        assert document.model_extra == {"command": str(UUID(int=1))}


@pytest.mark.parametrize("code", list(CommandErrorCode))
def test_each_failure_has_a_kind_and_a_hint(code: CommandErrorCode) -> None:
    found = failure(command(CommandState.FAILED, CommandError(code=code, detail="", ocpp_code="GenericError")))
    assert found is not None
    assert str(code) in found.message
    document = found.problem()
    assert document.type.startswith("urn:gardu:problem:")
    assert document.type != "urn:gardu:problem:internal"
    assert document.model_extra is not None
    assert document.model_extra["ocpp_code"] == "GenericError"
