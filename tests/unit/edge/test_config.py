from __future__ import annotations

import os

import pytest

from edge import config
from edge.domain.registration import UnknownChargePoints
from edge.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GARDU_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GARDU_EDGE_SITE", "north")


def refusal(monkeypatch: pytest.MonkeyPatch, **settings: str) -> ConfigurationError:
    for name, value in settings.items():
        monkeypatch.setenv(f"GARDU_EDGE_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        config.load()
    assert caught.value.hint
    return caught.value


def test_a_site_name_is_all_that_is_needed() -> None:
    settings = config.load()
    assert settings.site == "north"
    assert (settings.central_system.port, settings.api.host, settings.api.port) == (9000, "127.0.0.1", 3000)
    assert settings.central_system.unknown_charge_points is UnknownChargePoints.REFUSE
    assert settings.cloud.url is None
    assert settings.database.name == "edge.db"


def test_the_environment_reaches_every_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GARDU_EDGE_CENTRAL_SYSTEM__UNKNOWN_CHARGE_POINTS", "pending")
    monkeypatch.setenv("GARDU_EDGE_CENTRAL_SYSTEM__KNOWN_VENDOR_MESSAGES", '{"VendorA": ["m"], "VendorB": []}')
    monkeypatch.setenv("GARDU_EDGE_API__KEYS", f'["{"k" * 32}"]')
    monkeypatch.setenv("GARDU_EDGE_CLOUD__URL", "https://charging.example.edu:8443/up")
    monkeypatch.setenv("GARDU_EDGE_CLOUD__SECRET", "s")
    settings = config.load()
    assert settings.central_system.unknown_charge_points is UnknownChargePoints.PENDING
    assert settings.central_system.known_vendor_messages == {"VendorA": ["m"], "VendorB": []}
    assert settings.api.keys[0].get_secret_value() == "k" * 32
    assert settings.cloud.url == "https://charging.example.edu:8443/up"


def test_a_missing_site_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GARDU_EDGE_SITE")
    assert str(refusal(monkeypatch)) == (
        "site (GARDU_EDGE_SITE) is not set: The building's short name, as the cloud knows it: lower-case letters, "
        "digits and hyphens."
    )


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("SITE", "North Hall", ["site (GARDU_EDGE_SITE) is 'North Hall'", "lower-case letters"]),
        (
            "CENTRAL_SYSTEM__PORT",
            "70000",
            ["central_system.port (GARDU_EDGE_CENTRAL_SYSTEM__PORT) is '70000'", "less than or equal to 65535"],
        ),
        ("CENTRAL_SYSTEM__PORT", "many", ["is 'many'", "valid integer"]),
        ("CENTRAL_SYSTEM__UNKNOWN_CHARGE_POINTS", "welcome", ["is 'welcome'", "'refuse' or 'pending'"]),
        ("CENTRAL_SYSTEM__HEARTBEAT_INTERVAL_S", "1", ["is '1'", "greater than or equal to 10"]),
        ("CENTRAL_SYSTEM__TLS_CERT", "cert.pem", ["tls_cert and tls_key go together"]),
        ("CLOUD__SECRET", "x", ["a token or a secret is set, but no url to go to"]),
        ("CLOUD__TOKEN", "x", ["a token or a secret is set, but no url to go to"]),
        ("CLOUD__URL", "charging.example.edu", ["cloud.url (GARDU_EDGE_CLOUD__URL) is 'charging.example.edu'"]),
        ("LOG__LEVEL", "LOUD", ["log.level (GARDU_EDGE_LOG__LEVEL) is 'LOUD'", "'DEBUG', 'INFO'"]),
        ("CENTRAL_SYSTEM__PROT", "9000", ["central_system.prot (GARDU_EDGE_CENTRAL_SYSTEM__PROT) is no setting"]),
    ],
)
def test_a_wrong_setting_is_told_with_its_name_its_value_and_what_is_right(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, parts: list[str]
) -> None:
    text = str(refusal(monkeypatch, **{name: value}))
    assert all(part in text for part in parts), text


def test_each_wrong_setting_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(monkeypatch, CENTRAL_SYSTEM__PORT="-1", LOG__FORMAT="xml")
    assert len(str(error).splitlines()) == 2


def test_an_unknown_variable_is_refused_and_the_known_ones_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(monkeypatch, SIET="north")
    assert str(error) == "GARDU_EDGE_SIET is no setting of the edge."
    assert error.hint is not None
    assert "API, CENTRAL_SYSTEM, CLOUD" in error.hint


def test_a_short_key_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    text = str(refusal(monkeypatch, API__KEYS='["hunter2"]'))
    assert "at least 32 characters" in text
    assert "hunter2" not in text


def test_a_missing_settings_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "/nowhere/edge.toml does not exist" in str(refusal(monkeypatch, CONFIG="/nowhere/edge.toml"))


def test_a_list_that_is_no_json_is_told_in_words_that_hold_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    text = str(refusal(monkeypatch, API__KEYS="hunter2"))
    assert "api" in text
    assert "hunter2" not in text
