from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contract.commands import FINAL_STATES, TRANSITIONS, CommandErrorCode, CommandState
from contract.operations import BY_ACTION
from edge.errors import (
    CallFailedError,
    CallTimeoutError,
    IllegalStepError,
    NoConnectorError,
    NotConnectedError,
    TooLateError,
    TooLongValueError,
    UnknownChargePointError,
)
from edge.relay.lifecycle import (
    DEEPEST_ANSWER,
    LARGEST_ANSWER_BYTES,
    LONGEST_DETAIL,
    Answered,
    CancelAsked,
    Deadline,
    Failed,
    Forsaken,
    Happening,
    Recovered,
    StartAsked,
    Step,
    answer_of,
    error_of,
    hold_s,
    step,
)

S = CommandState
ERROR = error_of(NotConnectedError("CP-1 is not connected."))


@pytest.mark.parametrize(
    ("action", "answer", "state"),
    [
        ("Reset", {"status": "Accepted"}, S.SUCCEEDED),
        ("Reset", {"status": "Rejected"}, S.REJECTED),
        ("UnlockConnector", {"status": "Unlocked"}, S.SUCCEEDED),
        ("UnlockConnector", {"status": "UnlockFailed"}, S.REJECTED),
        ("ChangeConfiguration", {"status": "RebootRequired"}, S.SUCCEEDED),
        ("ChangeAvailability", {"status": "Scheduled"}, S.SUCCEEDED),
        ("CancelReservation", {"status": "Rejected"}, S.REJECTED),
        ("ClearChargingProfile", {"status": "Unknown"}, S.SUCCEEDED),
        ("GetInstalledCertificateIds", {"status": "NotFound"}, S.SUCCEEDED),
        ("DeleteCertificate", {"status": "NotFound"}, S.REJECTED),
        ("GetLog", {"status": "AcceptedCanceled"}, S.SUCCEEDED),
        ("SignedUpdateFirmware", {"status": "AcceptedCanceled"}, S.SUCCEEDED),
        ("SendLocalList", {"status": "VersionMismatch"}, S.REJECTED),
        ("ReserveNow", {"status": "Occupied"}, S.REJECTED),
        ("SetChargingProfile", {"status": "NotSupported"}, S.REJECTED),
        ("TriggerMessage", {"status": "NotImplemented"}, S.REJECTED),
        ("UpdateFirmware", {}, S.SUCCEEDED),
        ("GetDiagnostics", {}, S.SUCCEEDED),
        ("GetLocalListVersion", {"listVersion": -1}, S.SUCCEEDED),
        ("GetConfiguration", {"unknownKey": ["x"]}, S.SUCCEEDED),
        ("GetConfiguration", {"status": ["x"]}, S.SUCCEEDED),
    ],
)
def test_the_charge_point_s_answer_decides(action: str, answer: dict[str, Any], state: CommandState) -> None:
    assert step(S.STARTED, action, Answered(answer)) == Step(state, answer=answer)


@pytest.mark.parametrize("answer", [{}, {"status": ["x"]}, {"status": {}}, {"status": None}, {"status": 1}])
def test_an_answer_without_a_status_is_no_answer(answer: dict[str, Any]) -> None:
    failed = step(S.STARTED, "ClearCache", Answered(answer))
    assert failed is not None
    assert failed.error is not None
    assert (failed.state, failed.answer, failed.error.code) == (S.FAILED, answer, CommandErrorCode.CALL_ERROR)
    assert "breaks the schema" in failed.error.detail


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"more": value}
    return value


@pytest.mark.parametrize("answer", [{}, nested(DEEPEST_ANSWER), {"data": "x" * (LARGEST_ANSWER_BYTES - 20)}])
def test_an_answer_that_the_link_carries_is_taken_as_it_came(answer: dict[str, Any]) -> None:
    assert answer_of(answer) == Answered(answer)


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        (nested(DEEPEST_ANSWER + 1), "nested too deeply: more than 100 levels"),
        (nested(300), "Recursion limit"),
        ({"data": "x" * LARGEST_ANSWER_BYTES}, "262155 bytes"),
        ({"number": 10**30}, "cannot be kept"),
    ],
)
def test_an_answer_that_the_link_cannot_carry_fails_and_says_why(answer: dict[str, Any], because: str) -> None:
    failed = answer_of(answer)
    assert isinstance(failed, Failed)
    assert failed.error.code is CommandErrorCode.INTERNAL
    assert because in failed.error.detail


@pytest.mark.parametrize(
    "error", [CallFailedError("x" * 9_999, "y" * 9_999), NotConnectedError("x" * 9_999), ValueError("x" * 9_999)]
)
def test_no_error_is_told_at_any_length(error: Exception) -> None:
    told = error_of(error)
    assert len(told.detail) == LONGEST_DETAIL
    assert len(told.ocpp_code or "") in {0, LONGEST_DETAIL}


def test_a_command_starts_in_time_and_expires_late() -> None:
    assert step(S.DELIVERED, "Reset", StartAsked(in_time=True)) == Step(S.STARTED)
    assert step(S.DELIVERED, "Reset", StartAsked(in_time=False)) == Step(S.EXPIRED)


def test_an_operation_that_this_release_does_not_know_fails_and_says_so() -> None:
    failed = step(S.DELIVERED, "SetVariables", StartAsked(in_time=True))
    assert failed is not None
    assert failed.state is S.FAILED
    assert failed.error is not None
    assert "SetVariables" in failed.error.detail


def test_a_cancel_takes_back_only_what_has_not_started() -> None:
    assert step(S.DELIVERED, "Reset", CancelAsked()) == Step(S.CANCELED)
    for state in (S.STARTED, *FINAL_STATES):
        assert step(state, "Reset", CancelAsked()) is None


@pytest.mark.parametrize("action", BY_ACTION)
def test_after_a_crash_only_what_is_safe_and_in_time_runs_again(action: str) -> None:
    again = step(S.STARTED, action, Recovered(in_time=True))
    assert again == (None if BY_ACTION[action].safe_to_repeat else Step(S.INTERRUPTED))
    assert step(S.STARTED, action, Recovered(in_time=False)) == Step(S.INTERRUPTED)


def test_after_a_downgrade_an_unknown_operation_is_interrupted() -> None:
    assert step(S.STARTED, "SetVariables", Recovered(in_time=True)) == Step(S.INTERRUPTED)


@pytest.mark.parametrize("state", [S.STARTED, *sorted(FINAL_STATES)])
def test_nothing_starts_twice(state: CommandState) -> None:
    with pytest.raises(IllegalStepError, match=state.value):
        step(state, "ClearCache", StartAsked(in_time=True))
    with pytest.raises(IllegalStepError):
        step(state, "ClearCache", StartAsked(in_time=False))


@pytest.mark.parametrize("state", [S.CREATED, S.DELIVERED, *sorted(FINAL_STATES)])
def test_no_answer_without_a_start(state: CommandState) -> None:
    with pytest.raises(IllegalStepError):
        step(state, "ClearCache", Answered({"status": "Accepted"}))


@pytest.mark.parametrize("in_time", [True, False])
def test_recovery_is_of_what_had_started(*, in_time: bool) -> None:
    for state in (S.CREATED, S.DELIVERED):
        with pytest.raises(IllegalStepError):
            step(state, "ClearCache", Recovered(in_time))


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
@pytest.mark.parametrize("in_time", [True, False])
def test_a_result_that_came_to_the_disk_after_recovery_had_read_it_stands(
    state: CommandState, *, in_time: bool
) -> None:
    assert step(state, "ClearCache", Recovered(in_time)) is None


def test_a_deadline_of_another_boot_has_passed() -> None:
    deadline = Deadline("boot-1", 100.0)
    assert deadline.is_ahead("boot-1", 99.9)
    assert not deadline.is_ahead("boot-1", 100.0)
    assert not deadline.is_ahead("boot-2", 1.0)


@pytest.mark.parametrize(
    ("state", "action", "left_s", "pause_s"),
    [
        (S.DELIVERED, "Reset", 500.0, 500.0),
        (S.DELIVERED, "SetVariables", 500.0, 500.0),
        (S.DELIVERED, "ClearCache", 500.0, 60.0),
        (S.DELIVERED, "ClearCache", 20.0, 20.0),
        (S.DELIVERED, "Reset", -1.0, 0.0),
        (S.STARTED, "ClearCache", 500.0, 60.0),
        (S.STARTED, "UnlockConnector", 50.0, 0.0),
    ],
)
def test_what_lay_in_the_store_at_the_start_waits_for_the_first_greeting(
    state: CommandState, action: str, left_s: float, pause_s: float
) -> None:
    deadline = Deadline("boot", 1_000.0 + left_s)
    assert hold_s(state, action, deadline, "boot", 1_000.0, 60.0) == pause_s
    assert hold_s(state, action, deadline, "another boot", 1_000.0, 60.0) == 0.0


def test_a_restored_edge_ends_what_it_finds_and_says_that_nobody_knows() -> None:
    for state, end in ((S.DELIVERED, S.EXPIRED), (S.STARTED, S.INTERRUPTED)):
        forsaken = step(state, "ClearCache", Forsaken())
        assert forsaken is not None
        assert forsaken.error is not None
        assert (forsaken.state, "restored from a backup" in forsaken.error.detail) == (end, True)
    for state in FINAL_STATES:
        with pytest.raises(IllegalStepError):
            step(state, "ClearCache", Forsaken())


@pytest.mark.parametrize(
    ("error", "code", "detail"),
    [
        (CallFailedError("NotSupported", "no such thing"), CommandErrorCode.CALL_ERROR, "no such thing"),
        (CallFailedError("NotSupported", ""), CommandErrorCode.CALL_ERROR, "no description"),
        (CallTimeoutError("silence"), CommandErrorCode.TIMEOUT, "silence"),
        (
            TooLateError("too late"),
            CommandErrorCode.NOT_SENT,
            "Its time ran out before it could be sent.",
        ),
        (NotConnectedError("gone"), CommandErrorCode.NOT_CONNECTED, "gone"),
        (TooLongValueError("too long"), CommandErrorCode.UNSUITABLE, "too long"),
        (UnknownChargePointError("who?"), CommandErrorCode.UNKNOWN_CHARGE_POINT, "who?"),
        (NoConnectorError("all busy"), CommandErrorCode.NO_CONNECTOR, "all busy"),
        (ValueError("boom"), CommandErrorCode.INTERNAL, "ValueError: boom"),
    ],
)
def test_each_error_has_a_code(error: Exception, code: CommandErrorCode, detail: str) -> None:
    told = error_of(error)
    assert told.code is code
    assert detail in told.detail
    assert told.ocpp_code == ("NotSupported" if code is CommandErrorCode.CALL_ERROR else None)


class CommandMachine(RuleBasedStateMachine):
    """One command; whatever happens to it in whatever order."""

    @initialize(action=st.sampled_from(list(BY_ACTION)), life=st.sampled_from([1.0, 60.0]))
    def deliver(self, action: str, life: float) -> None:
        self.action, self.state, self.calls, self.starts = action, S.DELIVERED, 0, 0
        self.boot, self.now = 0, 0.0
        self.deadline = Deadline("0", life)

    @property
    def in_time(self) -> bool:
        return self.deadline.is_ahead(str(self.boot), self.now)

    @rule(seconds=st.sampled_from([0.5, 5.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def machine_reboots(self) -> None:
        self.boot, self.now = self.boot + 1, 0.0

    @rule()
    def start(self) -> None:
        in_time = self.in_time
        if self.apply(StartAsked(in_time)) and self.state is S.STARTED:
            assert in_time
            self.starts += 1
            self.calls += 1

    @rule()
    def crash(self) -> None:
        in_time = self.in_time
        if self.apply(Recovered(in_time)) and self.state is S.STARTED:
            assert in_time
            assert BY_ACTION[self.action].safe_to_repeat
            self.calls += 1

    @rule(
        happened=st.sampled_from(
            [Answered({"status": "Accepted"}), Answered({}), Failed(ERROR), CancelAsked(), Forsaken()]
        )
    )
    def something_happens(self, happened: Happening) -> None:
        self.apply(happened)

    def apply(self, happened: Happening) -> bool:
        """Returns whether it was legal."""
        before = self.state
        try:
            taken = step(before, self.action, happened)
        except IllegalStepError:
            return False
        if taken is not None:
            assert taken.state in TRANSITIONS[before]
            self.state = taken.state
        return True

    @invariant()
    def it_ran_once_at_most(self) -> None:
        if hasattr(self, "calls"):
            assert self.starts <= 1
            assert self.calls <= 1 or BY_ACTION[self.action].safe_to_repeat


CommandMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestNoCommandRunsTwiceOrLate = CommandMachine.TestCase
