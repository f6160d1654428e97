"""Settings are checked as a whole, and refused in words that help."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud.config import Settings, load
from cloud.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"GARDU_CLOUD_{name.upper()}", raising=False)


def test_the_defaults_are_safe() -> None:
    settings = load()
    assert settings.database_url == "sqlite:///./gardu-cloud.db"
    assert (settings.host, settings.port, settings.on_loopback) == ("127.0.0.1", 8080, True)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "cloud.toml"
    file.write_text('port = 9000\nallowed_hosts = ["a.example", "b.example"]\nlog_level = "debug"\n')
    monkeypatch.setenv("GARDU_CLOUD_PORT", "9001")
    settings = load(file)
    assert (settings.port, settings.log_level) == (9001, "debug")
    assert settings.allowed_hosts == ("a.example", "b.example")


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GARDU_CLOUD_PRT", "1")
    with pytest.raises(ConfigurationError, match="GARDU_CLOUD_PRT is no setting") as refused:
        load()
    assert "GARDU_CLOUD_PORT" in (refused.value.hint or "")


def test_names_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GARDU_CLOUD_ALLOWED_HOSTS", " a.example , b.example,")
    assert load().allowed_hosts == ("a.example", "b.example")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "cloud.example"])  # noqa: S104
def test_off_loopback_it_needs_tls_or_a_named_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str) -> None:
    monkeypatch.setenv("GARDU_CLOUD_HOST", host)
    with pytest.raises(ConfigurationError, match="could reach the API") as refused:
        load()
    assert "GARDU_CLOUD_BEHIND_PROXY" in str(refused.value.hint)
    monkeypatch.setenv("GARDU_CLOUD_BEHIND_PROXY", "traefik")
    assert not load().has_tls
    monkeypatch.delenv("GARDU_CLOUD_BEHIND_PROXY")
    pem = tmp_path / "x.pem"
    pem.touch()
    monkeypatch.setenv("GARDU_CLOUD_TLS_CERT", str(pem))
    with pytest.raises(ConfigurationError, match="belong together"):
        load()
    monkeypatch.setenv("GARDU_CLOUD_TLS_KEY", str(pem))
    assert load().has_tls


@pytest.mark.parametrize("host", ["localhost", "127.0.0.9", "::1"])
def test_loopback_needs_neither(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("GARDU_CLOUD_HOST", host)
    assert load().on_loopback


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "eighty", "port is 'eighty': Input should be a valid integer"),
        ("PORT", "tcp://10.0.0.1:80", "enableServiceLinks: false"),
        ("LOG_FORMAT", "xml", "'console' or 'json'"),
        ("DATABASE_URL", "oracle://x", "only SQLite and PostgreSQL are known"),
        ("DATABASE_URL", "nonsense", "write sqlite:///"),
        ("DATABASE_URL", "sqlite://", "the records need a file"),
        ("MIGRATE_ON_START", "perhaps", "migrate_on_start is 'perhaps'"),
        ("TLS_KEY", "/nowhere", "No such file"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_would_be_right(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"GARDU_CLOUD_{name}", value)
    with pytest.raises(ConfigurationError) as refused:
        load()
    assert words in str(refused.value)
    assert "GARDU_CLOUD_" in str(refused.value.hint)


def test_a_password_in_a_wrong_url_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GARDU_CLOUD_DATABASE_URL", "mysql://root:hunter2@db/x")
    with pytest.raises(ConfigurationError) as refused:
        load()
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [("prot = 1", "there is no such setting"), ("port = ", "is not TOML"), ("port = 1.5", "port is 1.5")],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "cloud.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        load(file)


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no settings file"):
        load(tmp_path / "none.toml")
