from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ocpp16.actions import FROM_CHARGE_POINT, TO_CHARGE_POINT
from edge.ocpp16.schemas import _describe, fault, schema, validator
from tests.unit.edge.requests import VALID

SECRET = "s3cret-that-must-not-be-repeated"


@pytest.mark.parametrize("name", [*FROM_CHARGE_POINT, *TO_CHARGE_POINT])
def test_request_and_answer_of_every_action_have_a_schema(name: str) -> None:
    assert schema(name)["type"] == "object"
    assert validator(f"{name}Response") is validator(f"{name}Response")


def test_there_is_no_schema_of_an_unknown_message() -> None:
    with pytest.raises(FileNotFoundError):
        schema("Explode")


def test_a_valid_payload_has_no_fault() -> None:
    assert fault("Heartbeat", {}) is None


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        (
            "Heartbeat",
            {SECRET: SECRET},
            ("FormationViolation", "", "has a field that OCPP 1.6 does not know"),
        ),
        ("Authorize", SECRET, ("TypeConstraintViolation", "", "must be of type object")),
        (
            "Authorize",
            {"idTag": SECRET},
            ("PropertyConstraintViolation", "idTag", "must have at most 20 characters"),
        ),
        (
            "DataTransfer",
            {"data": SECRET},
            ("OccurenceConstraintViolation", "", "lacks one of the fields vendorId"),
        ),
        (
            "FirmwareStatusNotification",
            {"status": SECRET},
            (
                "PropertyConstraintViolation",
                "status",
                (
                    "must be one of Downloaded, DownloadFailed, Downloading, Idle, InstallationFailed, Installing, "
                    "Installed"
                ),
            ),
        ),
        (
            "MeterValues",
            {"connectorId": 1, "meterValue": [{"timestamp": "", "sampledValue": [{"value": [SECRET]}]}]},
            ("TypeConstraintViolation", "meterValue.0.sampledValue.0.value", "must be of type string"),
        ),
    ],
)
def test_a_fault_has_its_code_its_place_and_what_would_be_right(
    name: str, payload: object, expected: tuple[str, str, str]
) -> None:
    assert fault(name, payload) == expected


def test_a_keyword_without_words_of_its_own_is_named() -> None:
    assert _describe("minimum", 0) == "must obey minimum 0"


@given(action=st.sampled_from(FROM_CHARGE_POINT), data=st.data())
def test_a_fault_never_repeats_the_payload(action: str, data: st.DataObject) -> None:
    spoiled: dict[str, Any] = dict(VALID[action])
    names = st.sampled_from([*schema(action)["properties"], SECRET])
    wrong = st.sampled_from([SECRET, [SECRET], {SECRET: SECRET}, SECRET * 20])
    spoiled |= data.draw(st.dictionaries(names, wrong, min_size=1))
    found = fault(action, spoiled)
    assert SECRET not in " ".join(found or ())
