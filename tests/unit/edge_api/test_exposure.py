from __future__ import annotations

import pytest

from edge.api.exposure import check_exposure
from edge.errors import ConfigurationError

LOOPBACK = ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LocalHost"]
ELSEWHERE = ["0.0.0.0", "::", "192.168.1.5", "gardu.campus", "", "localhost.evil.example"]  # noqa: S104 - what is refused


@pytest.mark.parametrize("host", LOOPBACK)
def test_on_loopback_nothing_more_is_needed(host: str) -> None:
    check_exposure(host, has_keys=False, tls=False, behind_proxy=False)


@pytest.mark.parametrize("host", ELSEWHERE)
@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("behind_proxy", [True, False])
def test_off_loopback_a_key_is_needed(host: str, tls: bool, behind_proxy: bool) -> None:  # noqa: FBT001 - parametrized
    with pytest.raises(ConfigurationError, match="no API key") as refusal:
        check_exposure(host, has_keys=False, tls=tls, behind_proxy=behind_proxy)
    assert refusal.value.hint


@pytest.mark.parametrize("host", ELSEWHERE)
def test_off_loopback_keys_must_not_travel_in_the_clear(host: str) -> None:
    with pytest.raises(ConfigurationError, match="without TLS") as refusal:
        check_exposure(host, has_keys=True, tls=False, behind_proxy=False)
    assert refusal.value.hint


@pytest.mark.parametrize("host", ELSEWHERE)
@pytest.mark.parametrize(("tls", "behind_proxy"), [(True, False), (False, True), (True, True)])
def test_off_loopback_with_a_key_and_tls_or_a_proxy_it_may_listen(host: str, *, tls: bool, behind_proxy: bool) -> None:
    check_exposure(host, has_keys=True, tls=tls, behind_proxy=behind_proxy)


@pytest.mark.parametrize("host", LOOPBACK)
def test_a_proxy_in_front_of_loopback_lets_others_in_so_a_key_is_needed(host: str) -> None:
    with pytest.raises(ConfigurationError, match="through a proxy"):
        check_exposure(host, has_keys=False, tls=False, behind_proxy=True)
    check_exposure(host, has_keys=True, tls=False, behind_proxy=True)
