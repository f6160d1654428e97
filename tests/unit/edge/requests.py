"""A valid request of each operation from a charge point, and strategies around OCPP's own schemas."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

AT = "2026-03-01T12:00:00Z"

VALID: dict[str, dict[str, Any]] = {
    "Authorize": {"idTag": "12345"},
    "BootNotification": {
        "chargePointVendor": "VendorA",
        "chargePointModel": "SingleSocketCharger",
        "chargePointSerialNumber": "ID0122120103",
        "chargeBoxSerialNumber": "ID0122120103",
        "firmwareVersion": "1.0",
        "iccid": "",
        "imsi": "",
        "meterType": "none",
        "meterSerialNumber": "0",
    },
    "DataTransfer": {"vendorId": "VendorA", "messageId": "customMsg", "data": "Some data"},
    "DiagnosticsStatusNotification": {"status": "Uploading"},
    "FirmwareStatusNotification": {"status": "Downloading"},
    "Heartbeat": {},
    "LogStatusNotification": {"status": "Uploaded", "requestId": 5},
    "MeterValues": {
        "connectorId": 1,
        "transactionId": 7,
        "meterValue": [
            {
                "timestamp": AT,
                "sampledValue": [
                    {
                        "value": "1500",
                        "context": "Sample.Periodic",
                        "format": "Raw",
                        "measurand": "Energy.Active.Import.Register",
                        "phase": "L1",
                        "location": "Outlet",
                        "unit": "Wh",
                    }
                ],
            }
        ],
    },
    "SecurityEventNotification": {"type": "TamperDetectionActivated", "timestamp": AT, "techInfo": "door"},
    "SignCertificate": {"csr": "-----BEGIN CERTIFICATE REQUEST-----"},
    "SignedFirmwareStatusNotification": {"status": "Installed", "requestId": 6},
    "StartTransaction": {"connectorId": 1, "idTag": "12345", "meterStart": 0, "timestamp": AT, "reservationId": 3},
    "StatusNotification": {
        "connectorId": 1,
        "errorCode": "NoError",
        "info": "",
        "status": "Available",
        "timestamp": AT,
        "vendorId": "VendorA",
        "vendorErrorCode": "0",
    },
    "StopTransaction": {
        "idTag": "12345",
        "meterStop": 25,
        "timestamp": AT,
        "transactionId": 7,
        "reason": "Local",
        "transactionData": [{"timestamp": AT, "sampledValue": [{"value": "25"}]}],
    },
}
"""By action; every field that the operation knows."""

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def of_schema(rules: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What the schema allows."""
    match rules["type"]:
        case "object":
            properties = {name: of_schema(field) for name, field in rules["properties"].items()}
            required = rules.get("required", [])
            return st.fixed_dictionaries(
                {name: properties[name] for name in required},
                optional={name: field for name, field in properties.items() if name not in required},
            )
        case "array":
            return st.lists(of_schema(rules["items"]), min_size=rules.get("minItems", 0), max_size=3)
        case "integer":
            return st.integers(-(2**63), 2**64 - 1)
    if "enum" in rules:
        return st.sampled_from(rules["enum"])
    return st.text(max_size=rules.get("maxLength", 40))


def near_schema(rules: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a careless charge point makes of the schema: any field may be missing, foreign, or of another type."""
    good: st.SearchStrategy[Any]
    match rules["type"]:
        case "object":
            fields = {name: near_schema(field) for name, field in rules["properties"].items()}
            good = st.fixed_dictionaries({}, optional=fields | {"vendorExtra": JSON})
        case "array":
            good = st.lists(near_schema(rules["items"]), max_size=3)
        case _:
            good = of_schema(rules)
    return st.one_of(good, good, good, JSON)
