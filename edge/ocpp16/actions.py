"""The actions of OCPP 1.6 that Gardu speaks: which come from a charge point, and which of those carry its records."""

from __future__ import annotations

FROM_CHARGE_POINT = (
    "Authorize",
    "BootNotification",
    "DataTransfer",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "SecurityEventNotification",
    "SignCertificate",
    "SignedFirmwareStatusNotification",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
)
"""OCPP 1.6 ed. 2 chapter 4 "Operations Initiated by Charge Point", and those of "Improved security for OCPP 1.6-J"."""

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

NEVER_REFUSED = TRANSACTION_RELATED | {
    "LogStatusNotification",
    "SecurityEventNotification",
    "SignCertificate",
    "SignedFirmwareStatusNotification",
}
"""Some charge points queue security messages before their transactions ("Improved security for OCPP 1.6-J" A04.FR.02):
one that is refused is repeated, and holds up the StartTransaction behind it. So these get a CALLRESULT, too."""

KNOWN = frozenset(
    {
        *FROM_CHARGE_POINT,
        *TO_CHARGE_POINT,
    }
)
"""Every action of OCPP 1.6 and its security extension: asked from the wrong side or not offered is `NotSupported`,
anything else `NotImplemented` (OCPP-J 1.6 §4.2.3)."""
