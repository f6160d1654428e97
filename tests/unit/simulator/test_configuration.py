"""Configuration keys, the authorisation cache, back-off and clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from simulator.authorisation import AuthorisationCache
from simulator.back_off import BackOff
from simulator.clock import Clock, from_wire, to_wire
from simulator.configuration import KEYS, Configuration

NOW = datetime(2025, 1, 31, 12, tzinfo=UTC)
REQUIRED = [
    "AuthorizeRemoteTxRequests",
    "ClockAlignedDataInterval",
    "ConnectionTimeOut",
    "ConnectorPhaseRotation",
    "GetConfigurationMaxKeys",
    "HeartbeatInterval",
    "LocalAuthorizeOffline",
    "LocalPreAuthorize",
    "MeterValuesAlignedData",
    "MeterValuesSampledData",
    "MeterValueSampleInterval",
    "NumberOfConnectors",
    "ResetRetries",
    "StopTransactionOnInvalidId",
    "StopTxnAlignedData",
    "StopTxnSampledData",
    "SupportedFeatureProfiles",
    "TransactionMessageAttempts",
    "TransactionMessageRetryInterval",
    "UnlockConnectorOnEVSideDisconnect",
]
"""The keys that the Core profile requires (OCPP 1.6 ed. 2 §9.1)."""


def test_every_required_core_key_is_there_and_every_default_fits_its_type() -> None:
    assert set(REQUIRED) <= {key.name for key in KEYS}
    assert all(key.fits(key.default) for key in KEYS)


def test_first_values_are_checked_like_any_other() -> None:
    assert Configuration(2, {"heartbeatinterval": "7"}).integer("HeartbeatInterval") == 7
    for settings in ({"Nonsense": "1"}, {"HeartbeatInterval": "soon"}):
        with pytest.raises(ValueError, match="no setting"):
            Configuration(2, settings)


def test_report_of_an_empty_list_tells_everything() -> None:
    known, unknown = Configuration(2).report([])
    assert (len(known), unknown) == (len(KEYS), [])
    assert {"key": "NumberOfConnectors", "readonly": True, "value": "2"} in known


def cache(**settings: str) -> AuthorisationCache:
    return AuthorisationCache(Configuration(1, settings))


def test_cache_compares_id_tags_without_regard_to_case() -> None:
    known = cache()
    known.remember("Tag", "Accepted", None)
    assert known.accepts("TAG", NOW)


def test_cached_id_tag_expires() -> None:
    known = cache()
    known.remember("A", "Accepted", to_wire(NOW + timedelta(seconds=1)))
    assert known.accepts_offline("A", NOW)
    assert not known.accepts_offline("A", NOW + timedelta(seconds=1))


def test_unknown_id_tag_charges_offline_only_when_that_is_allowed() -> None:
    assert not cache().accepts_offline("A", NOW)
    assert cache(AllowOfflineTxForUnknownId="true").accepts_offline("A", NOW)
    assert not cache(AllowOfflineTxForUnknownId="true", LocalAuthorizeOffline="false").accepts_offline("A", NOW)


def test_refused_id_tag_is_refused_offline_whatever_is_allowed() -> None:
    known = cache(AllowOfflineTxForUnknownId="true")
    known.remember("A", "Blocked", None)
    assert not known.accepts_offline("A", NOW)


def test_concurrent_transaction_says_nothing_about_the_id_tag() -> None:
    known = cache()
    known.remember("A", "Accepted", None)
    known.remember("A", "ConcurrentTx", None)
    assert known.accepts("A", NOW)


def test_cleared_cache_is_empty_and_none_cannot_be_cleared() -> None:
    known = cache()
    known.remember("A", "Accepted", None)
    assert known.clear()
    assert not known.accepts("A", NOW)
    assert not cache(AuthorizationCacheEnabled="false").clear()


def test_back_off_doubles_with_jitter_up_to_its_ceiling_and_begins_again() -> None:
    back_off = BackOff(Random(1), first_s=1, most_s=8)
    for ceiling_s in (1, 2, 4, 8, 8, 8):
        assert ceiling_s / 2 <= back_off.next_s() <= ceiling_s
    back_off.reset()
    assert back_off.next_s() <= 1


def test_clock_keeps_its_error_and_its_speed() -> None:
    clock = Clock(speed=60, offset=timedelta(days=-1))
    assert abs(datetime.now(UTC) - timedelta(days=1) - clock.now()) < timedelta(seconds=5)
    assert clock.wall_s(3600) == 60


def test_instants_travel_as_utc_with_milliseconds() -> None:
    assert to_wire(datetime(2025, 1, 31, 12, 0, 0, 123_999, tzinfo=UTC)) == "2025-01-31T12:00:00.123Z"
    assert from_wire("2025-01-31T12:00:00") == NOW
    assert from_wire("2025-01-31T14:00:00+02:00") == NOW
