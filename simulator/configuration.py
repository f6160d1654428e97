"""A charge point's configuration keys: one table with type, access and default (OCPP 1.6 ed. 2 chapter 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from simulator.meter import MEASURANDS

_MAX_LIST_ITEMS = 10


class Kind(Enum):
    """What a key's value looks like."""

    BOOLEAN = auto()
    INTEGER = auto()
    MEASURANDS = auto()
    """A comma-separated list of measurands; may be empty."""
    TEXT = auto()


@dataclass(frozen=True, slots=True)
class Key:
    """One row of the table.

    Attributes:
        name: As the standard spells it.
        kind: How its value is read.
        default: Its value in a new charge point.
        writable: Whether ChangeConfiguration may set it.
        needs_reboot: Whether a change works only after a reset.
        most: The largest integer that it takes.
    """

    name: str
    kind: Kind
    default: str
    writable: bool = True
    needs_reboot: bool = False
    most: int = 2**31 - 1

    def fits(self, value: str) -> bool:
        """Whether the value has this key's type and range."""
        match self.kind:
            case Kind.BOOLEAN:
                return value.lower() in {"true", "false"}
            case Kind.INTEGER:
                return value.isascii() and value.isdecimal() and int(value) <= self.most
            case Kind.MEASURANDS:
                items = split(value)
                return len(items) <= _MAX_LIST_ITEMS and all(item in MEASURANDS for item in items)
            case Kind.TEXT:
                return True


def _fixed(name: str, kind: Kind, default: str) -> Key:
    return Key(name, kind, default, writable=False)


_ALL_MEASURANDS = ",".join(MEASURANDS)

KEYS: tuple[Key, ...] = (
    Key("AllowOfflineTxForUnknownId", Kind.BOOLEAN, "false"),
    Key("AuthorizationCacheEnabled", Kind.BOOLEAN, "true"),
    Key("AuthorizeRemoteTxRequests", Kind.BOOLEAN, "true"),
    _fixed("ChargeProfileMaxStackLevel", Kind.INTEGER, "8"),
    _fixed("ChargingScheduleAllowedChargingRateUnit", Kind.TEXT, "Current,Power"),
    _fixed("ChargingScheduleMaxPeriods", Kind.INTEGER, "24"),
    Key("ClockAlignedDataInterval", Kind.INTEGER, "0", most=0),
    Key("ConnectionTimeOut", Kind.INTEGER, "120"),
    Key("ConnectorPhaseRotation", Kind.TEXT, "0.RST", needs_reboot=True),
    _fixed("GetConfigurationMaxKeys", Kind.INTEGER, "50"),
    Key("HeartbeatInterval", Kind.INTEGER, "300"),
    Key("LocalAuthListEnabled", Kind.BOOLEAN, "true"),
    _fixed("LocalAuthListMaxLength", Kind.INTEGER, "1000"),
    Key("LocalAuthorizeOffline", Kind.BOOLEAN, "true"),
    Key("LocalPreAuthorize", Kind.BOOLEAN, "false"),
    _fixed("MaxChargingProfilesInstalled", Kind.INTEGER, "20"),
    Key("MessageTimeout", Kind.INTEGER, "30"),
    Key("MeterValuesAlignedData", Kind.MEASURANDS, ""),
    Key("MeterValuesSampledData", Kind.MEASURANDS, _ALL_MEASURANDS),
    _fixed("MeterValuesSampledDataMaxLength", Kind.INTEGER, str(_MAX_LIST_ITEMS)),
    Key("MeterValueSampleInterval", Kind.INTEGER, "60"),
    _fixed("NumberOfConnectors", Kind.INTEGER, "1"),
    _fixed("ReserveConnectorZeroSupported", Kind.BOOLEAN, "true"),
    Key("ResetRetries", Kind.INTEGER, "1"),
    _fixed("SendLocalListMaxLength", Kind.INTEGER, "100"),
    _fixed("StopTransactionOnEVSideDisconnect", Kind.BOOLEAN, "true"),
    Key("StopTransactionOnInvalidId", Kind.BOOLEAN, "true"),
    Key("StopTxnAlignedData", Kind.MEASURANDS, ""),
    Key("StopTxnSampledData", Kind.MEASURANDS, "Energy.Active.Import.Register"),
    _fixed(
        "SupportedFeatureProfiles",
        Kind.TEXT,
        "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
    ),
    _fixed("SupportedFileTransferProtocols", Kind.TEXT, "HTTP,HTTPS"),
    Key("TransactionMessageAttempts", Kind.INTEGER, "3"),
    Key("TransactionMessageRetryInterval", Kind.INTEGER, "60"),
    Key("UnlockConnectorOnEVSideDisconnect", Kind.BOOLEAN, "true"),
    Key("WebSocketPingInterval", Kind.INTEGER, "30"),
)
"""All required keys of the profiles, and the optional ones that mean something here.

ClockAlignedDataInterval takes 0 alone: these charge points take no clock-aligned samples and say so.
"""

_BY_NAME = {key.name.lower(): key for key in KEYS}


def split(value: str) -> list[str]:
    """The items of a comma-separated list, without blanks."""
    return [item.strip() for item in value.split(",") if item.strip()]


class Configuration:
    """One charge point's values. Key names are compared without regard to case (CiString50)."""

    def __init__(self, connectors: int, settings: Mapping[str, str] | None = None) -> None:
        self._values = {key.name: key.default for key in KEYS}
        self._values["NumberOfConnectors"] = str(connectors)
        for name, value in (settings or {}).items():
            key = _BY_NAME.get(name.lower())
            if key is None or not key.fits(value):
                raise ValueError(f"{name}={value} is no setting of a simulated charge point")
            self._values[key.name] = value

    def change(self, name: str, value: str) -> str:
        """Answer a ChangeConfiguration (§5.3): Accepted, RebootRequired, Rejected or NotSupported."""
        key = _BY_NAME.get(name.lower())
        if key is None:
            return "NotSupported"
        if not key.writable or not key.fits(value):
            return "Rejected"
        self._values[key.name] = value
        return "RebootRequired" if key.needs_reboot else "Accepted"

    def report(self, names: Iterable[str] | None) -> tuple[list[dict[str, str | bool]], list[str]]:
        """Answer a GetConfiguration (§5.8): the keys that are known, and the names that are not.

        No names, or an empty list, means all.
        """
        asked = list(names or ()) or [key.name for key in KEYS]
        keys = [_BY_NAME[name.lower()] for name in asked if name.lower() in _BY_NAME]
        unknown = [name for name in asked if name.lower() not in _BY_NAME]
        return [
            {"key": key.name, "readonly": not key.writable, "value": self._values[key.name]} for key in keys
        ], unknown

    def integer(self, name: str) -> int:
        """The value of an integer key."""
        return int(self._values[name])

    def boolean(self, name: str) -> bool:
        """The value of a boolean key."""
        return self._values[name].lower() == "true"

    def items(self, name: str) -> list[str]:
        """The items of a list key."""
        return split(self._values[name])

    def set_integer(self, name: str, value: int) -> None:
        """Set a key from within, as the interval of an accepted BootNotification does."""
        self._values[name] = str(value)
