"""The operations that a central system asks of a charge point (OCPP 1.6 ed. 2 chapter 5), as the REST APIs offer them.

One module per feature profile. Requests and answers are the OCPP payloads: what is sent obeys the specification to the
letter, what is answered is described and passed on as it came. `OPERATIONS` is the one table that names each
operation's path, action, models and time to live.
"""

from contract.operations.core import (
    ChangeAvailability,
    ChangeConfiguration,
    ClearCache,
    DataTransfer,
    GetConfiguration,
    RemoteStartTransaction,
    RemoteStopTransaction,
    Reset,
    UnlockConnector,
)
from contract.operations.firmware_management import GetDiagnostics, UpdateFirmware
from contract.operations.local_auth_list_management import GetLocalListVersion, SendLocalList
from contract.operations.remote_trigger import TriggerMessage
from contract.operations.reservation import CancelReservation, ReserveNow
from contract.operations.security import (
    CertificateSigned,
    DeleteCertificate,
    ExtendedTriggerMessage,
    GetInstalledCertificateIds,
    GetLog,
    InstallCertificate,
    SignedUpdateFirmware,
)
from contract.operations.smart_charging import ClearChargingProfile, GetCompositeSchedule, SetChargingProfile
from contract.operations.table import BY_ACTION, OPERATIONS, Operation, Profile, may_be_empty

__all__ = [
    "BY_ACTION",
    "OPERATIONS",
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
    "Operation",
    "Profile",
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
    "may_be_empty",
]
