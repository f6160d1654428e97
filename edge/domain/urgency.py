"""Which of several calls to one charge point goes first: OCPP-J lets only one be open at a time."""

from __future__ import annotations

from enum import IntEnum


class Urgency(IntEnum):
    """Lower goes first; equals go in the order of asking."""

    PROTECT = 0
    """Ends or limits charging: a cable or a fuse may depend on it."""
    SERVE = 1
    """A person stands there and waits."""
    RELAX = 2
    """Lets a charge point draw more."""
    CONFIGURE = 3
    ENQUIRE = 4
    """Diagnostics, files and questions: nobody is hurt by a minute."""


_URGENCIES = {
    "RemoteStopTransaction": Urgency.PROTECT,
    "SetChargingProfile": Urgency.PROTECT,  # it may lower a limit; whether it does, only the charge point knows
    "RemoteStartTransaction": Urgency.SERVE,
    "UnlockConnector": Urgency.SERVE,
    "ReserveNow": Urgency.SERVE,
    "CancelReservation": Urgency.SERVE,
    "ClearChargingProfile": Urgency.RELAX,
    "GetConfiguration": Urgency.ENQUIRE,
    "GetLocalListVersion": Urgency.ENQUIRE,
    "GetCompositeSchedule": Urgency.ENQUIRE,
    "GetInstalledCertificateIds": Urgency.ENQUIRE,
    "GetDiagnostics": Urgency.ENQUIRE,
    "GetLog": Urgency.ENQUIRE,
    "UpdateFirmware": Urgency.ENQUIRE,
    "SignedUpdateFirmware": Urgency.ENQUIRE,
    "TriggerMessage": Urgency.ENQUIRE,
    "ExtendedTriggerMessage": Urgency.ENQUIRE,
}


def urgency(action: str) -> Urgency:
    """Rank an operation to a charge point; one without a rank of its own configures."""
    return _URGENCIES.get(action, Urgency.CONFIGURE)
