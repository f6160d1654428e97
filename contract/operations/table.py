"""The one table of operations: path, action, models, time to live, and which answers mean yes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pydantic import ValidationError

from contract.model import OcppPayload
from contract.operations import (
    core,
    firmware_management,
    local_auth_list_management,
    remote_trigger,
    reservation,
    smart_charging,
)
from contract.operations import security as security_extension
from contract.operations.fields import EmptyAnswer, StatusAnswer


class Profile(StrEnum):
    """A feature profile (OCPP 1.6 ed. 2 §3.2 "Feature Profiles"), or the security extension."""

    CORE = "Core"
    FIRMWARE_MANAGEMENT = "FirmwareManagement"
    LOCAL_AUTH_LIST_MANAGEMENT = "LocalAuthListManagement"
    RESERVATION = "Reservation"
    SMART_CHARGING = "SmartCharging"
    REMOTE_TRIGGER = "RemoteTrigger"
    SECURITY = "Security"


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table."""

    path: str
    """The last segment of its REST path."""
    action: str
    """OCPP's name for it."""
    profile: Profile
    request: type[OcppPayload]
    answer: type[OcppPayload]
    """How the API documents the answer; what a charge point really answers passes as it came."""
    time_to_live: timedelta
    """How long a command may wait before it is started."""
    safe_to_repeat: bool
    """Whether doing it a second time does no harm."""
    agreed: frozenset[str]
    """The statuses that mean yes. Empty: any answer does."""


def _row(
    profile: Profile,
    path: str,
    request: type[OcppPayload],
    *,
    answer: type[OcppPayload] = StatusAnswer,
    ttl_s: int = 3600,
    safe_to_repeat: bool = True,
    agreed: tuple[str, ...] = ("Accepted",),
) -> Operation:
    ttl = timedelta(seconds=ttl_s)
    return Operation(path, request.__name__, profile, request, answer, ttl, safe_to_repeat, frozenset(agreed))


def _core() -> tuple[Operation, ...]:
    profile = Profile.CORE
    return (
        _row(profile, "change-availability", core.ChangeAvailability, agreed=("Accepted", "Scheduled")),
        _row(profile, "change-configuration", core.ChangeConfiguration, agreed=("Accepted", "RebootRequired")),
        _row(profile, "clear-cache", core.ClearCache),
        _row(profile, "data-transfer", core.DataTransfer, answer=core.DataTransferAnswer, safe_to_repeat=False),
        _row(profile, "get-configuration", core.GetConfiguration, answer=core.GetConfigurationAnswer, agreed=()),
        _row(profile, "start-transaction", core.RemoteStartTransaction, ttl_s=60, safe_to_repeat=False),
        _row(profile, "stop-transaction", core.RemoteStopTransaction, ttl_s=600),
        _row(profile, "reset", core.Reset, ttl_s=600, safe_to_repeat=False),
        _row(profile, "unlock-connector", core.UnlockConnector, ttl_s=60, safe_to_repeat=False, agreed=("Unlocked",)),
    )


def _beside_core() -> tuple[Operation, ...]:
    firmware, local_list = firmware_management, local_auth_list_management
    smart = Profile.SMART_CHARGING
    return (
        _row(
            Profile.FIRMWARE_MANAGEMENT,
            "get-diagnostics",
            firmware.GetDiagnostics,
            answer=firmware.GetDiagnosticsAnswer,
            safe_to_repeat=False,
            agreed=(),
        ),
        _row(
            Profile.FIRMWARE_MANAGEMENT,
            "update-firmware",
            firmware.UpdateFirmware,
            answer=EmptyAnswer,
            safe_to_repeat=False,
            agreed=(),
        ),
        _row(
            Profile.LOCAL_AUTH_LIST_MANAGEMENT,
            "get-local-list-version",
            local_list.GetLocalListVersion,
            answer=local_list.GetLocalListVersionAnswer,
            agreed=(),
        ),
        _row(Profile.LOCAL_AUTH_LIST_MANAGEMENT, "send-local-list", local_list.SendLocalList, safe_to_repeat=False),
        _row(Profile.RESERVATION, "reserve-now", reservation.ReserveNow),
        _row(Profile.RESERVATION, "cancel-reservation", reservation.CancelReservation),
        _row(smart, "set-charging-profile", smart_charging.SetChargingProfile),
        _row(smart, "clear-charging-profile", smart_charging.ClearChargingProfile, agreed=("Accepted", "Unknown")),
        _row(
            smart,
            "get-composite-schedule",
            smart_charging.GetCompositeSchedule,
            answer=smart_charging.GetCompositeScheduleAnswer,
        ),
        _row(Profile.REMOTE_TRIGGER, "trigger-message", remote_trigger.TriggerMessage),
    )


def _security() -> tuple[Operation, ...]:
    profile, extension = Profile.SECURITY, security_extension
    replaces = ("Accepted", "AcceptedCanceled")
    return (
        _row(profile, "extended-trigger-message", extension.ExtendedTriggerMessage, safe_to_repeat=False),
        _row(
            profile, "get-log", extension.GetLog, answer=extension.GetLogAnswer, safe_to_repeat=False, agreed=replaces
        ),
        _row(profile, "signed-update-firmware", extension.SignedUpdateFirmware, safe_to_repeat=False, agreed=replaces),
        _row(profile, "certificate-signed", extension.CertificateSigned, safe_to_repeat=False),
        _row(profile, "install-certificate", extension.InstallCertificate),
        _row(profile, "delete-certificate", extension.DeleteCertificate),
        _row(
            profile,
            "get-installed-certificate-ids",
            extension.GetInstalledCertificateIds,
            answer=extension.GetInstalledCertificateIdsAnswer,
            agreed=("Accepted", "NotFound"),
        ),
    )


OPERATIONS: dict[str, Operation] = {
    operation.path: operation for operation in (*_core(), *_beside_core(), *_security())
}
"""By path."""

BY_ACTION: dict[str, Operation] = {operation.action: operation for operation in OPERATIONS.values()}
"""By OCPP's name."""


def may_be_empty(request: type[OcppPayload]) -> bool:
    """Whether a request may be sent without a single field, so that a body is not needed."""
    try:
        request.model_validate({})
    except ValidationError:
        return False
    return True
