"""What charge points write otherwise than the schemas want, and how it is read."""

from __future__ import annotations

from typing import Any

import pytest

from edge.ocpp16.intake import Intake, take
from edge.ocpp16.schemas import schema
from edge.ocpp16.spellings import canonical, whole_number
from tests.unit.edge.requests import AT, VALID

REPAIRED = "the payload broke the schema and was repaired"
ALL_UNITS = schema("MeterValues")["properties"]["meterValue"]["items"]["properties"]["sampledValue"]["items"][
    "properties"
]["unit"]["enum"]


@pytest.mark.parametrize("payload", [[], "text", 7, [{}], {"extra": 1}])
def test_a_heartbeat_is_a_heartbeat_whatever_it_carries(payload: object) -> None:
    intake = take("Heartbeat", payload)
    assert intake.payload == {}
    assert intake.doubt


@pytest.mark.parametrize(
    ("payload", "read"),
    [
        ({}, {"chargePointVendor": "", "chargePointModel": ""}),
        ([], {"chargePointVendor": "", "chargePointModel": ""}),
        ({"chargePointVendor": ["V"], "chargePointModel": "M"}, {"chargePointVendor": "", "chargePointModel": "M"}),
        (
            {"chargePointVendor": "v" * 30, "chargePointModel": 7, "firmwareVersion": "f" * 60, "iccid": None},
            {"chargePointVendor": "v" * 20, "chargePointModel": "7", "firmwareVersion": "f" * 50},
        ),
        ({"chargepointvendor": "V", "ChargePointModel": "M"}, {"chargePointVendor": "V", "chargePointModel": "M"}),
    ],
)
def test_a_boot_is_never_refused(payload: object, read: dict[str, Any]) -> None:
    intake = take("BootNotification", payload)
    assert intake.payload == read
    assert intake.doubt


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"status": "available"}, {"status": "Available"}),
        ({"status": "Suspended EV"}, {"status": "SuspendedEV"}),
        ({"status": "Occupied"}, {"status": "Preparing"}),
        ({"errorCode": "Mode3Error"}, {"errorCode": "EVCommunicationError", "vendorErrorCode": "Mode3Error"}),
        ({"errorCode": "E42"}, {"errorCode": "OtherError", "vendorErrorCode": "E42"}),
        ({"errorCode": "noerror"}, {"errorCode": "NoError", "vendorErrorCode": "noerror"}),
        ({"errorCode": ""}, {"errorCode": "NoError"}),
        ({"errorCode": None}, {"errorCode": "NoError"}),
    ],
)
def test_a_status_is_read_in_the_words_of_the_standard(given: dict[str, Any], read: dict[str, Any]) -> None:
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}
    assert take("StatusNotification", status | given) == Intake(status | read, REPAIRED)


@pytest.mark.parametrize(
    "action", ["StatusNotification", "FirmwareStatusNotification", "DiagnosticsStatusNotification"]
)
def test_a_status_that_nobody_knows_is_answered_and_changes_nothing(action: str) -> None:
    intake = take(action, VALID[action] | {"status": "Melting"})
    assert intake.answer == {}
    assert intake.doubt is not None
    assert intake.doubt.startswith("status must be one of")


@pytest.mark.parametrize(
    ("sample", "read"),
    [
        ({"unit": "KWH"}, {"unit": "kWh"}),
        ({"unit": "%"}, {"unit": "Percent"}),
        ({"unit": "°C"}, {"unit": "Celsius"}),
        ({"unit": ""}, {}),
        ({"phase": "L1N"}, {"phase": "L1-N"}),
        ({"phase": "L1L2L3"}, {}),
        ({"measurand": "energy.active.import.register"}, {"measurand": "Energy.Active.Import.Register"}),
        ({"context": "Sample Periodic"}, {"context": "Sample.Periodic"}),
        ({"Unit": "Wh"}, {"unit": "Wh"}),
    ],
)
def test_a_sample_is_read_in_the_words_of_the_standard(sample: dict[str, Any], read: dict[str, Any]) -> None:
    payload = {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": "1"} | sample]}]}
    intake = take("MeterValues", payload)
    assert intake.payload["meterValue"][0]["sampledValue"] == [{"value": "1"} | read]
    assert intake.doubt == REPAIRED


def test_a_single_thing_is_a_list_of_one() -> None:
    payload = {"connectorId": 1, "meterValue": {"timestamp": AT, "sampledValue": {"value": "1"}}}
    wanted = {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": "1"}]}]}
    assert take("MeterValues", payload) == Intake(wanted, REPAIRED)


def test_a_reason_that_nobody_knows_is_handed_on_with_its_doubt() -> None:
    intake = take("StopTransaction", VALID["StopTransaction"] | {"reason": "Bored"})
    assert intake.payload["reason"] == "Bored"
    assert intake.doubt is not None


def test_a_field_that_is_spelled_right_wins_over_one_in_another_case() -> None:
    assert take("Authorize", {"IDTAG": "wrong", "idTag": "right"}).payload == {"idTag": "right"}


def test_the_doubt_of_a_mended_message_stays_with_it() -> None:
    assert take("Authorize", {"idTag": "A"}, "why") == Intake({"idTag": "A"}, "why")
    assert take("StopTransaction", {}, "why").doubt == "why"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (" 15 ", 15),
        ("15 Wh", 15),
        ("1,5kWh", 1500),
        ("1.4", 1),
        ("-3", -3),
        ("9007199254740993", 9007199254740993),
        ("", None),
        ("kWh", None),
        ("1.2.3", None),
        ("1e3", None),
        ("12,345", None),
        ("12345,678", 12346),
    ],
)
def test_a_whole_number_may_carry_its_unit(text: str, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("word", ALL_UNITS)
def test_a_word_of_the_schema_stands_for_itself(word: str) -> None:
    assert canonical(word, ALL_UNITS) == word


def test_an_alias_of_another_list_of_words_is_no_word_of_this_one() -> None:
    assert canonical("Occupied", ALL_UNITS) is None
    assert canonical("%", ["Local"]) is None
