from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.errors import RemoteProtocolError
from edge.ocppj.frames import (
    Call,
    CallError,
    CallResult,
    ErrorCode,
    dump_call,
    dump_call_error,
    dump_call_result,
    parse,
)

ODD_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()))
"""Lone surrogates included."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def fault_of(text: str | bytes) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('[2,"1","Heartbeat",{}]', Call("1", "Heartbeat", {})),
        ('[2,"1","Authorize",{"idTag":"A"}]', Call("1", "Authorize", {"idTag": "A"})),
        ('[2,"1","Heartbeat",{},"extra",7]', Call("1", "Heartbeat", {})),
        ('[3,"1",{"status":"Accepted"}]', CallResult("1", {"status": "Accepted"})),
        ('[4,"1","GenericError","why",{"a":1}]', CallError("1", "GenericError", "why")),
    ],
)
def test_the_three_frames_are_read(text: str, frame: object) -> None:
    assert parse(text) == frame
    assert parse(text.encode()) == frame


@pytest.mark.parametrize("text", ['[2,"1","Heartbeat",null]', '[2,"1","Heartbeat"]'])
def test_a_null_or_missing_payload_of_a_call_is_an_empty_object(text: str) -> None:
    assert parse(text) == Call("1", "Heartbeat", {})


@pytest.mark.parametrize("text", ['[3,"1",null]', '[3,"1"]'])
def test_a_null_or_missing_payload_of_an_answer_is_an_empty_object(text: str) -> None:
    assert parse(text) == CallResult("1", {})


@pytest.mark.parametrize("payload", [[], "text", 7, True])
def test_a_payload_that_is_no_object_is_handed_on_as_it_is(payload: object) -> None:
    assert parse(orjson.dumps([2, "1", "Heartbeat", payload])) == Call("1", "Heartbeat", payload)


@pytest.mark.parametrize(
    ("rest", "code", "description"),
    [
        (["NotSupported", "no"], "NotSupported", "no"),
        (["NotSupported"], "NotSupported", ""),
        ([], "GenericError", ""),
        ([None, None, None], "GenericError", ""),
        (["", "text"], "GenericError", "text"),
        ([{"a": 1}, [2], {}], "GenericError", ""),
        (["OccurrenceConstraintViolation", "x", {}], "OccurenceConstraintViolation", "x"),
        (["FormatViolation", 7, {}], "FormationViolation", ""),
        ([" notsupported ", "x"], "NotSupported", "x"),
        (["RpcFrameworkError", "x"], "GenericError", "RpcFrameworkError: x"),
        (["Explosion"], "GenericError", "Explosion"),
    ],
)
def test_a_call_error_is_read_as_far_as_it_goes(rest: list[Any], code: str, description: str) -> None:
    assert parse(orjson.dumps([4, "1", *rest])) == CallError("1", code, description)


@pytest.mark.parametrize("spelling", [v for k, v in vars(ErrorCode).items() if k.isupper()])
def test_every_error_code_of_1_6_is_accepted(spelling: str) -> None:
    assert parse(f'[4,"1","{spelling}","",{{}}]') == CallError("1", spelling, "")


def test_the_two_odd_spellings_of_1_6_are_kept() -> None:
    assert ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION == "OccurenceConstraintViolation"
    assert ErrorCode.FORMATION_VIOLATION == "FormationViolation"


@pytest.mark.parametrize("text", ["", b""])
def test_an_empty_message_is_a_keep_alive(text: str | bytes) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("kind", [0, 1, 5, 9, -2, 2.5, "2", None, True, [2], {"a": 2}])
def test_an_unknown_message_type_is_ignored(kind: object) -> None:
    assert parse(orjson.dumps([kind, "1", "Heartbeat", {}])) is None


@pytest.mark.parametrize("message_id", [0, 7, -1, 12345678901234567890, 1.5, "", "x" * 60, "ü 日本", "7"])
def test_a_message_id_of_any_kind_is_echoed_exactly(message_id: str | float) -> None:
    frame = parse(orjson.dumps([2, message_id, "Heartbeat", {}]))
    assert isinstance(frame, Call)
    assert type(frame.message_id) is type(message_id)
    assert orjson.loads(dump_call_result(frame.message_id, {})) == [3, message_id, {}]
    assert orjson.loads(dump_call_error(frame.message_id, "GenericError", "")) == [
        4,
        message_id,
        "GenericError",
        "",
        {},
    ]


@pytest.mark.parametrize("text", ["7", '"text"', "{}", "null", "true", "[]", "[2]", b"[3]"])
def test_json_that_is_no_frame_has_nothing_to_answer(text: str | bytes) -> None:
    fault = fault_of(text)
    assert (fault.code, fault.message_id) == ("FormationViolation", None)


@pytest.mark.parametrize("message_id", [None, True, False, [], {}])
def test_a_frame_without_a_usable_id_cannot_be_answered(message_id: object) -> None:
    fault = fault_of(orjson.dumps([2, message_id, "Heartbeat", {}]))
    assert (fault.code, fault.message_id) == ("FormationViolation", None)


@pytest.mark.parametrize("action", [None, 7, {}, [], True])
def test_a_call_without_an_action_can_be_answered(action: object) -> None:
    fault = fault_of(orjson.dumps([2, "1", action, {}]))
    assert (fault.code, fault.message_id) == ("ProtocolError", "1")


def test_a_call_of_two_elements_can_be_answered() -> None:
    assert fault_of('[2,"1"]').message_id == "1"


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ('[2,"abc","StopTransaction",{"transactionId":,"meterStop":1}]', "abc"),
        (b' [ 2 , "abc" ,"MeterValues",{"meterValue":[,{}]}]', "abc"),
        ('[2,"abc', None),
        ('[2,"a\\"bc","Heartbeat",}', None),
        ('[3,"abc",}', None),
        ("[2,7,}", 7),
        ("[2,7", None),
        ("not json", None),
        (b"\xff\xfe\x00", None),
        ('[2,"\ud800","Heartbeat",{}]', None),
    ],
)
def test_the_id_of_a_broken_call_is_guessed_where_it_can_be(text: str | bytes, message_id: str | int | None) -> None:
    fault = fault_of(text)
    assert (fault.code, fault.message_id) == ("FormationViolation", message_id)


def test_what_is_written_is_compact_and_a_call_error_has_always_five_elements() -> None:
    assert dump_call("1", "Reset", {"type": "Soft"}) == b'[2,"1","Reset",{"type":"Soft"}]'
    assert dump_call_result(7, {"status": "Accepted"}) == b'[3,7,{"status":"Accepted"}]'
    assert dump_call_error("1", "InternalError", "") == b'[4,"1","InternalError","",{}]'


def test_a_long_description_is_cut_at_255_characters() -> None:
    assert orjson.loads(dump_call_error("1", "GenericError", "x" * 1000))[3] == "x" * 255


@given(text=ODD_TEXT | st.binary() | JSON.map(orjson.dumps))
@example(text='[2,"\ud800",')
@example(text="[" * 5000)
@example(text=b'[2,"' + b"\xff" * 10 + b'",')
def test_no_text_and_no_bytes_raise_anything_but_a_remote_protocol_error(text: str | bytes) -> None:
    try:
        frame = parse(text)
    except RemoteProtocolError as error:
        if error.message_id is not None:
            dump_call_error(error.message_id, error.code, str(error))
    else:
        assert frame is None or isinstance(frame, Call | CallResult | CallError)


@given(kind=st.sampled_from([2, 3, 4]), message_id=JSON, rest=st.lists(JSON, max_size=4))
def test_no_list_that_looks_like_a_frame_raises_anything_else(kind: int, message_id: Any, rest: list[Any]) -> None:
    try:
        frame = parse(orjson.dumps([kind, message_id, *rest]))
    except RemoteProtocolError:
        return
    assert frame is not None
    assert dump_call_result(frame.message_id, {})
