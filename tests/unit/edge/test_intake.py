from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import RemoteProtocolError
from edge.ocpp16.actions import FROM_CHARGE_POINT, KNOWN, NEVER_REFUSED, TO_CHARGE_POINT, TRANSACTION_RELATED
from edge.ocpp16.intake import Intake, take
from edge.ocpp16.schemas import schema, validator
from tests.unit.edge.requests import AT, JSON, VALID, near_schema, of_schema

REPAIRED = "the payload broke the schema and was repaired"


def refusal(action: str, payload: Any) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as caught:
        take(action, payload)
    return caught.value


def sample(**fields: Any) -> dict[str, Any]:
    return {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": "1"} | fields]}]}


def samples_of(intake: Intake) -> list[dict[str, Any]]:
    return [one for value in intake.payload["meterValue"] for one in value["sampledValue"]]


def test_there_is_a_valid_example_of_every_operation() -> None:
    assert set(VALID) == set(FROM_CHARGE_POINT)
    assert all(set(VALID[action]) == set(schema(action)["properties"]) for action in VALID)


@pytest.mark.parametrize("action", FROM_CHARGE_POINT)
def test_a_valid_payload_passes_untouched(action: str) -> None:
    payload = copy.deepcopy(VALID[action])
    intake = take(action, payload)
    assert intake.payload is payload
    assert payload == VALID[action]
    assert intake.doubt is None


@pytest.mark.parametrize("action", ["Explode", "heartbeat", "", "2.0.1"])
def test_an_action_that_ocpp_does_not_know_is_not_implemented(action: str) -> None:
    assert refusal(action, {}).code == "NotImplemented"


@pytest.mark.parametrize("action", sorted(KNOWN - set(FROM_CHARGE_POINT)))
def test_an_action_that_charge_points_are_not_offered_is_not_supported(action: str) -> None:
    assert refusal(action, {}).code == "NotSupported"


def test_the_tables_of_actions_agree() -> None:
    assert set(FROM_CHARGE_POINT) | set(TO_CHARGE_POINT) <= KNOWN
    assert set(FROM_CHARGE_POINT) >= NEVER_REFUSED >= TRANSACTION_RELATED


@pytest.mark.parametrize(
    ("action", "given_field", "read"),
    [
        ("Authorize", {"idTag": 12345}, {"idTag": "12345"}),
        ("Authorize", {"idTag": 1.5}, {"idTag": "1.5"}),
        ("Authorize", {"idTag": True}, {"idTag": "true"}),
        ("Authorize", {"idTag": False}, {"idTag": "false"}),
        ("Authorize", {"idTag": "x" * 21}, {"idTag": "x" * 20}),
        ("Authorize", {"vendorExtra": {"a": 1}}, {}),
        ("BootNotification", {"chargePointVendor": "v" * 30}, {"chargePointVendor": "v" * 20}),
        ("BootNotification", {"chargePointSerialNumber": 99}, {"chargePointSerialNumber": "99"}),
        ("DataTransfer", {"data": 600 * "d", "extra": 1}, {"data": 600 * "d"}),
        ("StartTransaction", {"connectorId": "1"}, {"connectorId": 1}),
        ("StartTransaction", {"connectorId": " 2 "}, {"connectorId": 2}),
        ("StartTransaction", {"meterStart": 12.0}, {"meterStart": 12}),
        ("StartTransaction", {"meterStart": "12.6"}, {"meterStart": 13}),
        ("StartTransaction", {"meterStart": 1.2e3}, {"meterStart": 1200}),
        ("StatusNotification", {"connectorId": "0"}, {"connectorId": 0}),
        ("StatusNotification", {"info": "i" * 90}, {"info": "i" * 50}),
        ("StopTransaction", {"meterStop": "25"}, {"meterStop": 25}),
    ],
)
def test_what_is_plain_is_repaired(action: str, given_field: dict[str, Any], read: dict[str, Any]) -> None:
    intake = take(action, VALID[action] | given_field)
    assert intake == Intake(VALID[action] | read, doubt=REPAIRED)


@pytest.mark.parametrize("action", sorted(set(FROM_CHARGE_POINT) - {"Heartbeat"}))
def test_null_means_absent(action: str) -> None:
    required = {name: VALID[action][name] for name in schema(action).get("required", [])}
    optional = dict.fromkeys(set(VALID[action]) - set(required))
    intake = take(action, required | optional | {"vendorExtra": None})
    assert intake == Intake(required, doubt=REPAIRED)


def test_repair_reaches_into_lists() -> None:
    payload = sample(value=230.5, vendorExtra=1, phase=None)
    payload["meterValue"].append(None)
    intake = take("MeterValues", payload)
    assert intake == Intake(sample(value="230.5"), doubt=REPAIRED)


@pytest.mark.parametrize("huge", [2**53 + 1, 2**64 - 1, -(2**63)])
def test_a_whole_number_is_kept_exactly_when_another_field_is_repaired(huge: int) -> None:
    intake = take("StopTransaction", VALID["StopTransaction"] | {"meterStop": huge, "vendorExtra": 1})
    assert intake.payload["meterStop"] == huge


@pytest.mark.parametrize("value", [True, False, "eight", "", "NaN", "1e999", [1], {"a": 1}])
def test_what_is_no_number_is_a_gap_in_a_transaction_related_request(value: object) -> None:
    intake = take("StopTransaction", VALID["StopTransaction"] | {"transactionId": value})
    assert "transactionId" not in intake.payload
    assert intake.payload["meterStop"] == 25
    assert intake.doubt is not None
    assert intake.doubt.startswith("transactionId must be of type integer")


@pytest.mark.parametrize("payload", [[], "text", 7, None, [{"connectorId": 1}], True])
@pytest.mark.parametrize("action", sorted(NEVER_REFUSED))
def test_a_transaction_related_payload_that_is_no_object_is_read_as_empty(action: str, payload: object) -> None:
    intake = take(action, payload)
    assert intake.payload == {}
    assert intake.doubt == "The payload must be of type object"


@pytest.mark.parametrize("field", ["value", "unit", "phase", "measurand"])
@pytest.mark.parametrize("nonsense", [[], {}, ["kWh"], {"a": [[[]]]}])
def test_a_sample_that_holds_nonsense_goes_alone(field: str, nonsense: object) -> None:
    payload = sample(**{field: nonsense})
    payload["meterValue"][0]["sampledValue"].append({"value": "2"})
    intake = take("MeterValues", payload)
    assert samples_of(intake) == [{"value": "2"}]
    assert intake.doubt is not None


@pytest.mark.parametrize("meter_value", [{}, 7, [7], [[]], [{"timestamp": [], "sampledValue": []}]])
def test_meter_values_that_are_no_list_of_objects_are_left_out(meter_value: object) -> None:
    intake = take("MeterValues", {"connectorId": 1, "meterValue": meter_value})
    assert intake.payload.get("meterValue", []) == []
    assert intake.payload["connectorId"] == 1


@pytest.mark.parametrize(("unit", "kept"), [("Hz", "Hertz"), ("Hertz", "Hertz"), (5, "5")])
def test_an_unknown_unit_is_handed_on_with_its_doubt(unit: object, kept: str) -> None:
    payload = VALID["StopTransaction"] | {"transactionData": sample(unit=unit)["meterValue"]}
    intake = take("StopTransaction", payload)
    assert intake.payload["transactionData"][0]["sampledValue"] == [{"value": "1", "unit": kept}]
    assert intake.doubt is not None
    assert "transactionData.0.sampledValue.0.unit must be one of Wh, kWh" in intake.doubt


@pytest.mark.parametrize(
    ("action", "payload", "code", "text"),
    [
        ("Authorize", {}, "OccurenceConstraintViolation", "The payload lacks one of the fields idTag"),
        ("Authorize", {"idTag": None}, "OccurenceConstraintViolation", "The payload lacks one of the fields idTag"),
        ("Authorize", {"idTag": ["12345"]}, "TypeConstraintViolation", "idTag must be of type string"),
        ("DataTransfer", [], "TypeConstraintViolation", "The payload must be of type object"),
        (
            "DiagnosticsStatusNotification",
            {},
            "OccurenceConstraintViolation",
            "The payload lacks one of the fields status",
        ),
        (
            "StatusNotification",
            VALID["StatusNotification"] | {"connectorId": "one"},
            "TypeConstraintViolation",
            "connectorId must be of type integer",
        ),
    ],
)
def test_what_cannot_be_repaired_is_refused_in_plain_words(action: str, payload: object, code: str, text: str) -> None:
    error = refusal(action, payload)
    assert (error.code, str(error)) == (code, text)


@given(data=st.data(), action=st.sampled_from(FROM_CHARGE_POINT))
def test_whatever_the_schema_allows_passes_untouched(data: st.DataObject, action: str) -> None:
    payload = data.draw(of_schema(schema(action)))
    assert validator(action).is_valid(payload)
    intake = take(action, payload)
    assert intake.payload is payload
    assert intake.doubt is None


@given(data=st.data(), action=st.sampled_from(sorted(NEVER_REFUSED)))
def test_a_transaction_or_security_request_is_never_refused_and_holds_right_types_alone(
    data: st.DataObject, action: str
) -> None:
    payload = data.draw(near_schema(schema(action)) | JSON)
    before = orjson.dumps(payload)
    intake = take(action, payload)
    assert orjson.dumps(payload) == before
    _assert_types(intake.payload, schema(action))
    assert (intake.doubt is None) == validator(action).is_valid(payload)


@given(data=st.data(), action=st.sampled_from(sorted(set(FROM_CHARGE_POINT) - NEVER_REFUSED)))
def test_any_other_request_is_valid_after_repair_or_refused(data: st.DataObject, action: str) -> None:
    payload = data.draw(near_schema(schema(action)) | JSON)
    try:
        intake = take(action, payload)
    except RemoteProtocolError as error:
        assert error.code.endswith("Violation")  # noqa: PT017 - both outcomes are right
        return
    assert validator(action).is_valid(intake.payload) or intake.answer == {}


@given(action=st.text(), payload=JSON)
def test_a_made_up_action_is_refused(action: str, payload: object) -> None:
    if action not in FROM_CHARGE_POINT:
        assert refusal(action, payload).code in ("NotImplemented", "NotSupported")


def _assert_types(value: Any, rules: dict[str, Any]) -> None:
    match rules["type"]:
        case "object":
            assert isinstance(value, dict)
            for name, field in value.items():
                _assert_types(field, rules["properties"][name])
        case "array":
            assert isinstance(value, list)
            for item in value:
                _assert_types(item, rules["items"])
        case "integer":
            assert type(value) is int
        case _:
            assert isinstance(value, str)
