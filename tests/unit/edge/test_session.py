from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.errors import LocalProtocolError
from edge.ocppj.frames import Call, CallError, CallResult
from edge.ocppj.mending import PIECES, REPAIRED
from edge.ocppj.session import NEVER_REMEMBERED, REMEMBERED_ANSWERS, REMEMBERED_CALLS, Ignored, Reply, Session, Settled

STATUS = '[2,"7","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]'


def call_of(session: Session, text: str | bytes) -> Call:
    call = session.receive(text)
    assert isinstance(call, Call)
    return call


def test_a_call_is_handed_on_and_its_answer_carries_its_id() -> None:
    session = Session()
    call = call_of(session, STATUS)
    assert session.answer(call, {}) == b'[3,"7",{}]'


def test_the_same_message_again_gets_the_same_answer_without_being_handled() -> None:
    session = Session()
    first = session.answer(call_of(session, STATUS), {"once": True})
    assert session.receive(STATUS) == Reply(first, "the same message came again", action="StatusNotification")


def test_the_same_id_with_other_content_is_another_message() -> None:
    session = Session()
    session.answer(call_of(session, STATUS), {})
    assert isinstance(session.receive(STATUS.replace("Available", "Charging")), Call)


@pytest.mark.parametrize("action", sorted(NEVER_REMEMBERED))
def test_an_answer_that_tells_the_time_is_made_anew(action: str) -> None:
    session = Session()
    text = f'[2,"7","{action}",{{}}]'
    session.answer(call_of(session, text), {"currentTime": "then"})
    assert session.answer(call_of(session, text), {"currentTime": "now"}) == b'[3,"7",{"currentTime":"now"}]'


def test_an_answer_to_a_heartbeat_is_not_taken_for_that_of_an_earlier_call() -> None:
    session = Session()
    session.answer(call_of(session, STATUS), {})
    session.answer(call_of(session, '[2,"8","Heartbeat",{}]'), {"currentTime": "now"})
    assert session.receive(STATUS) == Reply(b'[3,"7",{}]', "the same message came again", action="StatusNotification")


def test_a_refusal_is_not_remembered_so_that_a_repeat_is_a_new_chance() -> None:
    session = Session()
    call = call_of(session, STATUS)
    assert session.refuse(call.message_id, "InternalError", "no") == b'[4,"7","InternalError","no",{}]'
    assert isinstance(session.receive(STATUS), Call)


def test_only_the_last_answers_are_remembered() -> None:
    session = Session()
    texts = [f'[2,"{number}","DataTransfer",{{"vendorId":"A"}}]' for number in range(REMEMBERED_ANSWERS + 1)]
    for text in texts:
        session.answer(call_of(session, text), {})
    assert isinstance(session.receive(texts[1]), Reply)
    assert isinstance(session.receive(texts[0]), Call)


def test_an_answer_settles_the_open_call() -> None:
    session = Session()
    assert session.call("gardu-1", "Reset", {"type": "Soft"}) == b'[2,"gardu-1","Reset",{"type":"Soft"}]'
    assert session.calling
    answer = session.receive('[3,"gardu-1",{"status":"Accepted"}]')
    assert answer == Settled("Reset", CallResult("gardu-1", {"status": "Accepted"}))
    assert not session.calling


def test_a_call_error_settles_the_open_call() -> None:
    session = Session()
    session.call("gardu-1", "Reset", {})
    answer = session.receive('[4,"gardu-1","OccurrenceConstraintViolation","why",{}]')
    assert answer == Settled("Reset", CallError("gardu-1", "OccurenceConstraintViolation", "why"))


def test_a_second_own_call_is_our_own_error_and_changes_nothing() -> None:
    session = Session()
    session.call("gardu-1", "Reset", {})
    with pytest.raises(LocalProtocolError, match="Reset is still open"):
        session.call("gardu-2", "ClearCache", {})
    assert isinstance(session.receive('[3,"gardu-1",{}]'), Settled)


def test_a_call_that_cannot_be_written_opens_nothing() -> None:
    session = Session()
    with pytest.raises(TypeError):
        session.call("gardu-1", "DataTransfer", {"data": "\ud800"})
    assert session.call("gardu-2", "ClearCache", {}) == b'[2,"gardu-2","ClearCache",{}]'


@pytest.mark.parametrize("text", ['[3,"gardu-9",{}]', '[4,"gardu-9","GenericError","",{}]', "[3,1,{}]"])
def test_an_answer_to_no_open_call_is_ignored(text: str) -> None:
    session = Session()
    assert isinstance(session.receive(text), Ignored)
    session.call("gardu-1", "Reset", {})
    assert isinstance(session.receive(text), Ignored)
    assert session.calling


def test_late_answer_is_ignored() -> None:
    session = Session()
    session.call("gardu-1", "Reset", {})
    session.abandon()
    assert not session.calling
    session.call("gardu-2", "ClearCache", {})
    late = session.receive('[3,"gardu-1",{}]')
    assert isinstance(late, Ignored)
    assert late.action == "Reset"
    assert session.receive('[3,"gardu-2",{}]') == Settled("ClearCache", CallResult("gardu-2", {}))


def test_calls_that_are_remembered_for_late_answers_are_bounded() -> None:
    session = Session()
    for number in range(2 * REMEMBERED_CALLS):
        session.call(f"gardu-{number}", "Reset", {})
        session.abandon()
    assert session.receive('[3,"gardu-0",{}]').action is None
    assert session.receive(f'[3,"gardu-{2 * REMEMBERED_CALLS - 1}",{{}}]').action == "Reset"


def test_calls_of_both_sides_may_cross() -> None:
    session = Session()
    session.call("7", "Reset", {})  # the charge point chose the same id: ids are each sender's own
    call = call_of(session, STATUS)
    assert session.calling
    assert session.answer(call, {}) == b'[3,"7",{}]'
    assert session.receive('[3,"7",{}]') == Settled("Reset", CallResult("7", {}))


@pytest.mark.parametrize("text", ["", '[9,"1",{}]', "7", "no json", b"\xff"])
def test_what_cannot_be_answered_is_ignored_and_is_odd_unless_it_is_empty(text: str | bytes) -> None:
    received = Session().receive(text)
    assert isinstance(received, Ignored)
    assert received.odd is bool(text)


def test_a_message_that_was_mended_is_handed_on_with_its_doubt_and_repeated_like_any_other() -> None:
    session = Session()
    text = '[2,"7","StopTransaction",{"transactionId":,"meterStop":5}]'
    call = call_of(session, text)
    assert call == Call("7", "StopTransaction", {"transactionId": None, "meterStop": 5}, REPAIRED)
    answer = session.answer(call, {})
    assert session.receive(text) == Reply(answer, "the same message came again", action="StopTransaction")


def test_only_the_repairs_that_are_known_of_a_charge_point_are_made() -> None:
    session = Session()
    session.repairs = ()
    call = call_of(session, '[2,"7","StopTransaction",{"transactionId":,"meterStop":5}]')
    assert call == Call("7", "StopTransaction", {"meterStop": 5}, PIECES)


def test_a_frame_that_cannot_be_read_is_refused_under_its_id() -> None:
    reply = Session().receive('[2,"7",StopTransaction,{"transactionId":,}]')
    assert isinstance(reply, Reply)
    assert reply.odd
    assert orjson.loads(reply.text)[:3] == [4, "7", "FormationViolation"]


@given(st.lists(st.text(alphabet=st.characters(codec=None, exclude_categories=())) | st.binary(), max_size=5))
def test_no_message_makes_a_session_raise(messages: list[str | bytes]) -> None:
    session = Session()
    session.call("gardu-1", "Reset", {})
    for message in messages:
        assert isinstance(session.receive(message), Call | Reply | Settled | Ignored)


FRAMES: st.SearchStrategy[list[Any]] = st.tuples(
    st.sampled_from([2, 3, 4, 9]),
    st.sampled_from(["gardu-1", "gardu-2", "gardu-3", "x", 7]),
    st.sampled_from(["Heartbeat", "MeterValues", "GenericError", {}, None]),
    st.sampled_from([{}, None, "why"]),
).map(list)


class OneOwnCall(RuleBasedStateMachine):
    """Whatever both sides do in whatever order: one own call at most is open, and each is settled once at most."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()
        self.opened: list[str] = []
        self.open: str | None = None
        self.settled: list[str] = []

    @rule(action=st.sampled_from(["Reset", "ClearCache"]))
    def call(self, action: str) -> None:
        message_id = f"gardu-{len(self.opened) + 1}"
        if self.open is None:
            assert orjson.loads(self.session.call(message_id, action, {})) == [2, message_id, action, {}]
            self.opened.append(message_id)
            self.open = message_id
        else:
            with pytest.raises(LocalProtocolError):
                self.session.call(message_id, action, {})

    @precondition(lambda self: self.open is not None)
    @rule()
    def abandon(self) -> None:
        self.session.abandon()
        self.open = None

    @rule(frame=FRAMES)
    def receive(self, frame: list[Any]) -> None:
        outcome = self.session.receive(orjson.dumps(frame))
        if isinstance(outcome, Settled):
            assert outcome.answer.message_id == self.open
            assert self.open is not None
            self.settled.append(self.open)
            self.open = None
        elif isinstance(outcome, Call):
            assert orjson.loads(self.session.answer(outcome, {"to": outcome.message_id}))[1] == frame[1]
        elif isinstance(outcome, Reply):
            assert orjson.loads(outcome.text)[1] == frame[1]

    @invariant()
    def one_at_most(self) -> None:
        assert self.session.calling == (self.open is not None)
        assert len(set(self.settled)) == len(self.settled)


TestOneOwnCall = OneOwnCall.TestCase
