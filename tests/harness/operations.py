"""One whole request for every operation to a charge point, as an operator would send it over REST."""

from __future__ import annotations

from typing import Any

PROFILE: dict[str, Any] = {
    "chargingProfileId": 7,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Recurring",
    "recurrencyKind": "Daily",
    "validFrom": "2026-01-01T00:00:00Z",
    "validTo": "2027-01-01T00:00:00Z",
    "chargingSchedule": {
        "duration": 86400,
        "startSchedule": "2026-01-01T00:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 16.1, "numberPhases": 3},
            {"startPeriod": 3600, "limit": 0.0, "numberPhases": 1},
        ],
        "minChargingRate": 6.5,
    },
}

TX_PROFILE: dict[str, Any] = {
    "chargingProfileId": 8,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}],
    },
}

BODIES: dict[str, dict[str, Any]] = {
    "change-availability": {"connectorId": 1, "type": "Inoperative"},
    "change-configuration": {"key": "HeartbeatInterval", "value": "300"},
    "clear-cache": {},
    "data-transfer": {"vendorId": "VendorA", "messageId": "m", "data": "d"},
    "get-configuration": {"key": ["HeartbeatInterval"]},
    "start-transaction": {"idTag": "12345", "connectorId": 1, "chargingProfile": TX_PROFILE},
    "stop-transaction": {"transactionId": 1},
    "reset": {"type": "Soft"},
    "unlock-connector": {"connectorId": 1},
    "get-diagnostics": {
        "location": "ftp://files.example/diagnostics/",
        "retries": 1,
        "retryInterval": 60,
        "startTime": "2026-01-01T00:00:00Z",
        "stopTime": "2026-01-02T00:00:00Z",
    },
    "update-firmware": {
        "location": "https://files.example/firmware.bin",
        "retrieveDate": "2026-01-01T00:00:00Z",
        "retries": 2,
        "retryInterval": 60,
    },
    "get-local-list-version": {},
    "send-local-list": {
        "listVersion": 3,
        "updateType": "Full",
        "localAuthorizationList": [
            {
                "idTag": "12345",
                "idTagInfo": {"status": "Accepted", "expiryDate": "2027-01-01T00:00:00Z", "parentIdTag": "HOUSE"},
            }
        ],
    },
    "reserve-now": {
        "connectorId": 0,
        "expiryDate": "2027-01-01T00:00:00Z",
        "idTag": "12345",
        "parentIdTag": "HOUSE",
        "reservationId": 1,
    },
    "cancel-reservation": {"reservationId": 1},
    "set-charging-profile": {"connectorId": 1, "csChargingProfiles": PROFILE},
    "clear-charging-profile": {
        "id": 7,
        "connectorId": 1,
        "chargingProfilePurpose": "TxDefaultProfile",
        "stackLevel": 0,
    },
    "get-composite-schedule": {"connectorId": 1, "duration": 3600, "chargingRateUnit": "A"},
    "trigger-message": {"requestedMessage": "StatusNotification", "connectorId": 1},
    "extended-trigger-message": {"requestedMessage": "SignChargePointCertificate", "connectorId": 1},
    "get-log": {
        "logType": "SecurityLog",
        "requestId": 1,
        "log": {
            "remoteLocation": "https://files.example/logs/",
            "oldestTimestamp": "2026-01-01T00:00:00Z",
            "latestTimestamp": "2026-01-02T00:00:00Z",
        },
        "retries": 1,
        "retryInterval": 60,
    },
    "signed-update-firmware": {
        "requestId": 1,
        "firmware": {
            "location": "https://files.example/firmware.bin",
            "retrieveDateTime": "2026-01-01T00:00:00Z",
            "installDateTime": "2026-01-01T01:00:00Z",
            "signingCertificate": "-----BEGIN CERTIFICATE-----",
            "signature": "c2lnbmF0dXJl",
        },
        "retries": 1,
        "retryInterval": 60,
    },
    "certificate-signed": {"certificateChain": "-----BEGIN CERTIFICATE-----"},
    "install-certificate": {
        "certificateType": "CentralSystemRootCertificate",
        "certificate": "-----BEGIN CERTIFICATE-----",
    },
    "delete-certificate": {
        "certificateHashData": {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": "ab",
            "issuerKeyHash": "cd",
            "serialNumber": "1",
        }
    },
    "get-installed-certificate-ids": {"certificateType": "ManufacturerRootCertificate"},
}
"""By path. Every field that the official schema knows is in it."""
