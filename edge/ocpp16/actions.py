"""The actions of OCPP 1.6 that Gardu speaks: which come from a charge point, and which of those carry its records."""

from __future__ import annotations

FROM_CHARGE_POINT = (
    "Authorize",
    "BootNotification",
    "DataTransfer",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
)
"""OCPP 1.6 ed. 2 chapter 4 "Operations Initiated by Charge Point"."""

TO_CHARGE_POINT = (
    "CancelReservation",
    "CertificateSigned",
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearCache",
    "ClearChargingProfile",
    "DataTransfer",
    "DeleteCertificate",
    "ExtendedTriggerMessage",
    "GetCompositeSchedule",
    "GetConfiguration",
    "GetDiagnostics",
    "GetInstalledCertificateIds",
    "GetLocalListVersion",
    "GetLog",
    "InstallCertificate",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "ReserveNow",
    "Reset",
    "SendLocalList",
    "SetChargingProfile",
    "SignedUpdateFirmware",
    "TriggerMessage",
    "UnlockConnector",
    "UpdateFirmware",
)
"""OCPP 1.6 ed. 2 chapter 5 "Operations Initiated by Central System", and those of the security extension."""

TRANSACTION_RELATED = frozenset({"StartTransaction", "StopTransaction", "MeterValues"})
"""§3.7: a CALLERROR to one of these is data loss with a delay, so they are always answered with a CALLRESULT."""

KNOWN = frozenset(
    {
        *FROM_CHARGE_POINT,
        *TO_CHARGE_POINT,
        "LogStatusNotification",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
    }
)
"""Every action of OCPP 1.6 and its security extension: asked from the wrong side or not offered is `NotSupported`,
anything else `NotImplemented` (OCPP-J 1.6 §4.2.3)."""
