from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import RemoteProtocolError
from edge.ocppj.frames import Call, CallResult, Frame, parse
from edge.ocppj.mending import PIECES, REPAIRED, mend
from edge.ocppj.repairs import EVERY_REPAIR, LONGEST, Repair, repaired
from tests.unit.edge.requests import JSON


def mended(text: str | bytes, *repairs: Repair) -> Frame | None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse(text)
    return mend(text, caught.value, repairs)


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        (b'\xef\xbb\xbf[2,"1","Authorize",{"idTag":"A"}]\0', {"idTag": "A"}),
        (b'[2,"1","Authorize",{"idTag":"K\xf6ln"}]', {"idTag": "K\ufffdln"}),
        ('[2,"1","Authorize",{"idTag":"A\nB"}]', {"idTag": "A\nB"}),
        ('[2,"1","Authorize",{"a":NaN,"b":-Infinity,"c":"NaN"}]', {"a": None, "b": None, "c": "NaN"}),
        ('[2,"1","Authorize",{"idTag":"\ud800"}]', {"idTag": "?"}),
    ],
)
def test_what_can_mean_one_thing_only_is_mended_for_everyone(text: str | bytes, payload: object) -> None:
    assert mended(text) == Call("1", "Authorize", payload, REPAIRED)


@pytest.mark.parametrize(
    ("repair", "text", "payload"),
    [
        ("missing_value", '[2,"1","A",{"x":,"y": }]', {"x": None, "y": None}),
        ("missing_value", '[2,"1","A",{"x":":,]","y":}]', {"x": ":,]", "y": None}),
        ("stray_comma", '[2,"1","A",{"x":[,{"y":1},,{"z":2},],"a":",,"}]', {"x": [{"y": 1}, {"z": 2}], "a": ",,"}),
        ("stray_comma", '[2,"1","A",{,"x":[,]}]', {"x": []}),
    ],
)
def test_a_structure_is_mended_where_that_is_known_to_be_needed(repair: Repair, text: str, payload: object) -> None:
    assert mended(text, repair) == Call("1", "A", payload, REPAIRED)
    without = mended(text)
    assert isinstance(without, Call)
    assert without.doubt == PIECES


def test_an_answer_of_a_charge_point_is_mended_too() -> None:
    assert mended('[3,"g-1",{"status":"Accepted",}]', "stray_comma") == CallResult("g-1", {"status": "Accepted"})


@pytest.mark.parametrize(
    ("rest", "fields"),
    [
        ('{"transactionId":7,"meterStop":15', {"transactionId": 7}),  # 15 may be the head of 1500
        ('{"transactionId":7,"idTag":"ABC', {"transactionId": 7}),
        ('{"transactionId":7,!"meterStop":15}]', {"transactionId": 7, "meterStop": 15}),
        (
            '{"transactionData":[{"timestamp":"then","sampledValue":[{"value":}]}],"timestamp":"now","meterStop":1.5}]',
            {"timestamp": "now", "meterStop": 1.5},
        ),
        ('{"meterStop":1,"meterStop":2}', {"meterStop": 1}),
        ("{{{", {}),
        ("", {}),
    ],
)
def test_what_cannot_be_mended_is_read_field_by_field(rest: str, fields: dict[str, object]) -> None:
    assert mended(f'[2,"1","StopTransaction",{rest}') == Call("1", "StopTransaction", fields, PIECES)


@pytest.mark.parametrize("text", ["no json", '[2,"1"', "[2,7,}", '[3,"1",{"a":', b"\xff\xfe", "[" * 1000])
def test_what_names_no_action_is_no_call(text: str | bytes) -> None:
    assert mended(text, *EVERY_REPAIR) is None


def test_a_text_that_is_too_long_is_not_repaired_but_its_head_is_read() -> None:
    text = '[2,"1","StopTransaction",{"meterStop":1,"idTag":"A","x":"' + "x" * LONGEST + '",,}]'
    assert repaired(text, EVERY_REPAIR) is None
    assert mended(text) == Call("1", "StopTransaction", {"meterStop": 1, "idTag": "A"}, PIECES)


@given(value=JSON)
def test_good_json_is_left_as_it_is(value: object) -> None:
    text = orjson.dumps(value)
    better = repaired(text, EVERY_REPAIR)
    assert better is not None
    assert orjson.loads(better) == value


@given(text=st.text(alphabet='[]{},:"\\ \n\0aN1-') | st.binary())
def test_no_text_makes_mending_raise(text: str | bytes) -> None:
    for repairs in ((), EVERY_REPAIR):
        try:
            parse(text)
        except RemoteProtocolError as fault:
            mend(text, fault, repairs)


@pytest.mark.parametrize(
    "piece", ['"', "[", "{", ",", " ,", ", ", ":", ': "', '\\"', '"a', '"a":', '"a" ', "\\", " ", "NaN", '[2,"1","A",[']
)
def test_a_hostile_text_is_read_in_one_pass(piece: str) -> None:
    """The time-out of the test is its only measure: read again and again, this would take hours."""
    start = '[2,"1","StopTransaction",'
    text = start + piece * (LONGEST // len(piece) - len(start))
    mended(text, *EVERY_REPAIR)
