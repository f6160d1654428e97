"""Which configuration a charge point should have, and what is to be changed for it (OCPP 1.6 ed. 2 chapter 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge.domain import redaction
from edge.ocpp16.quirks import Quirks

Layer = Mapping[str, str | None]
"""Key → wanted value; `None`: leave the key alone, whatever a lower layer says."""

MEASURAND_LISTS = frozenset(
    {"metervaluessampleddata", "metervaluesaligneddata", "stoptxnsampleddata", "stoptxnaligneddata"}
)
"""Lower-case keys whose value is a list of measurands: one unsupported item, and the whole list is rejected."""

RECOMMENDED: Mapping[str, str] = {
    "MeterValueSampleInterval": "60",
    "MeterValuesSampledData": (
        "Energy.Active.Import.Register,Current.Import,Power.Active.Import,Voltage,Current.Offered"
    ),
    "ClockAlignedDataInterval": "900",
    "MeterValuesAlignedData": "Energy.Active.Import.Register",
    "StopTxnSampledData": "",
    "StopTxnAlignedData": "",
    "LocalAuthorizeOffline": "true",
    "LocalPreAuthorize": "true",
    "LocalAuthListEnabled": "true",
    "StopTransactionOnInvalidId": "true",
    "TransactionMessageAttempts": "10",
    "TransactionMessageRetryInterval": "60",
    "ConnectionTimeOut": "120",
    "WebSocketPingInterval": "60",
}
"""What a site wants unless it says otherwise: records that survive an outage, and charging that never waits for us."""

STANDARD_KEYS = (
    *RECOMMENDED,
    "AllowOfflineTxForUnknownId",
    "AuthorizationCacheEnabled",
    "AuthorizeRemoteTxRequests",
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "ConnectorPhaseRotation",
    "GetConfigurationMaxKeys",
    "HeartbeatInterval",
    "LocalAuthListMaxLength",
    "MaxChargingProfilesInstalled",
    "MinimumStatusDuration",
    "NumberOfConnectors",
    "ResetRetries",
    "SecurityProfile",
    "SendLocalListMaxLength",
    "StopTransactionOnEVSideDisconnect",
    "SupportedFeatureProfiles",
    "SupportedFileTransferProtocols",
    "UnlockConnectorOnEVSideDisconnect",
)
"""What is asked for key by key where a charge point does not tell everything at once."""


REFUSALS_BEFORE_GIVING_UP = 2
"""Times that a kind of charge point may refuse a value before it is no longer asked."""
DEFAULT_GROUP = 10
"""Keys in one GetConfiguration where the charge point does not say how many it takes."""
LARGEST_GROUP = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """A configuration key as a charge point reported it."""

    key: str
    """In the charge point's own spelling, which is used for writing."""
    value: str | None
    """`None`: it has none, or it is a secret and was not kept."""
    readonly: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One key to be set."""

    key: str
    value: str


def read_entry(item: object) -> Entry | None:
    """Read one `configurationKey` of an answer, however it spells its value; `None`: it names no key."""
    if not isinstance(item, dict) or not isinstance(item.get("key"), str) or not item["key"].strip():
        return None
    return Entry(item["key"].strip(), _text(item.get("value")), _is_true(item.get("readonly")))


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_true(value: object) -> bool:
    return str(value).strip().lower() == "true"


def effective(quirks: Quirks, site: Layer, *overrides: Layer) -> dict[str, str]:
    """Lay the layers over each other: the site's, what is known of the model, then each of `overrides`.

    Returns:
        Key → wanted value. Keys compare without regard to case.
    """
    merged: dict[str, tuple[str, str | None]] = {}
    for layer in (site, _by_quirks(quirks, site), *overrides):
        for key, value in layer.items():
            merged[key.lower()] = (key, value)
    return {key: value for key, value in merged.values() if value is not None}


def _by_quirks(quirks: Quirks, site: Layer) -> dict[str, str | None]:
    """Say what a model's peculiarities change in what the site wants."""
    layer: dict[str, str | None] = {}
    known_list = quirks.one_known_measurand_list
    if quirks.measurands_fixed or (quirks.skip_measurand_probing and known_list is None):
        layer["MeterValuesSampledData"] = None
    elif known_list is not None:
        layer["MeterValuesSampledData"] = ",".join(known_list)
    if quirks.skip_measurand_probing:
        layer |= dict.fromkeys(("MeterValuesAlignedData", "StopTxnSampledData", "StopTxnAlignedData"), None)
    if quirks.aligned_data_fixed:
        layer |= dict.fromkeys(("MeterValuesAlignedData", "ClockAlignedDataInterval"), None)
    interval = site.get("MeterValueSampleInterval")
    if quirks.sample_interval_min_s is not None and interval is not None and interval.isdecimal():
        layer["MeterValueSampleInterval"] = str(max(int(interval), quirks.sample_interval_min_s))
    return layer


def measurable(wanted: Mapping[str, str], named: str | None) -> dict[str, str]:
    """Leave out of the wanted lists what a charge point does not name among what it can measure.

    Args:
        wanted: key → wanted value.
        named: the measurands that it names, as the value of a key of its own; `None` or empty: it names none.

    Returns:
        Key → shorter list. A list that is whole already, or of which nothing would be left, is not named.
    """
    known = {one.lower() for one in measurands(named or "")}
    shorter = {
        key: ",".join(one for one in measurands(value) if one.lower() in known)
        for key, value in wanted.items()
        if key.lower() in MEASURAND_LISTS
    }
    return {key: value for key, value in shorter.items() if value and not same(key, value, wanted[key])}


def plan(reported: Iterable[Entry], desired: Mapping[str, str], given_up: Iterable[tuple[str, str]]) -> list[Change]:
    """Say what to set, in the order of `desired`: only what is reported, may be written and differs.

    Args:
        reported: what the charge point has.
        desired: what it should have.
        given_up: lower-case keys with the value that this kind of charge point has refused for good.
    """
    known = {entry.key.lower(): entry for entry in reported}
    skipped = set(given_up)
    changes = []
    for key, value in desired.items():
        entry = known.get(key.lower())
        if entry is None or entry.readonly or (key.lower(), value) in skipped:
            continue
        if not same(key, value, entry.value):
            changes.append(Change(entry.key, value))
    return changes


def differing(reported: Iterable[Entry], desired: Mapping[str, str]) -> list[str]:
    """Name the desired keys whose reported value is another one, or that are not reported at all."""
    known = {entry.key.lower(): entry.value for entry in reported}
    return [key for key, value in desired.items() if not same(key, value, known.get(key.lower()))]


def same(key: str, wanted: str, reported: str | None) -> bool:
    """Whether two spellings of a value mean the same: lists without regard to quotes, blanks and order."""
    if reported is None:
        return False
    if key.lower() in MEASURAND_LISTS:
        return set(measurands(wanted)) == set(measurands(reported))
    left, right = wanted.strip().lower(), reported.strip().lower()
    if left.lstrip("+-").isdecimal() and right.lstrip("+-").isdecimal():
        return int(left) == int(right)
    return left == right if left in {"true", "false"} else wanted.strip() == reported.strip()


def measurands(text: str) -> list[str]:
    """Split a list of measurands; some charge points write quotes and blanks into it."""
    parts = (part.strip(" '\"\t") for part in text.split(","))
    return [part for part in parts if part]


def shorter_lists(wanted: str, current: str | None) -> list[str]:
    """Give the lists to try, in order: the whole one, then without its last items, one by one.

    The charge point has a valid list at every moment: what it rejects changes nothing, and the first that it accepts is
    the last that is tried. A list that it has already is not tried but kept: the row ends before it.
    """
    items = measurands(wanted)
    tries = [",".join(items[:length]) for length in range(len(items), 0, -1)] or [""]
    kept = next((number for number, one in enumerate(tries) if same("MeterValuesSampledData", one, current)), None)
    return tries if kept is None else tries[:kept]


def groups(keys: Iterable[str], most: object) -> list[list[str]]:
    """Cut keys into groups of what the charge point says it takes (`GetConfigurationMaxKeys`), else of ten."""
    text = str(most).strip() if most is not None else ""
    size = min(int(text), LARGEST_GROUP) if text.isdecimal() and int(text) > 0 else DEFAULT_GROUP
    distinct = list({key.lower(): key for key in keys}.values())
    return [distinct[start : start + size] for start in range(0, len(distinct), size)]


def is_secret(key: str) -> bool:
    """Whether a key's value is somebody's secret, by its name."""
    return redaction.is_secret(key)
