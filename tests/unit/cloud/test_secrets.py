"""Secrets are long, recognised, stored as a salted hash, and never shown by a log."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.auth.secrets import Whose, id_of, issue, matches
from cloud.observability.redaction import HIDDEN, hide, hide_text, redact


@pytest.mark.parametrize("whose", ["edge", "api"])
def test_a_secret_matches_itself_alone(whose: Whose) -> None:
    one, other = issue(whose), issue(whose)
    assert matches(one.text, (one.salt, one.digest))
    assert not matches(other.text, (one.salt, one.digest))
    assert not matches(one.text, None)
    assert one.digest == hashlib.sha256(one.salt + one.text.encode()).digest()
    assert id_of(one.text, whose) == one.id
    assert len(one.text.split("_", 3)[3]) >= 43


@given(st.text())
def test_any_text_is_no_secret_rather_than_a_crash(text: str) -> None:
    assert id_of(text, "edge") is None or text.startswith("gardu_edge_")
    assert not matches(text, None)


def test_an_api_key_is_no_edge_secret() -> None:
    assert id_of(issue("api").text, "edge") is None


def test_secrets_are_hidden_by_their_look() -> None:
    for secret in (issue("edge").text, issue("api").text):
        assert secret not in hide_text(f"before {secret} after")
    assert hide_text("Authorization: Bearer abc.def") == f"Authorization: Bearer {HIDDEN}"
    assert hide_text("postgresql://gardu:hunter2@db/x") == f"postgresql://gardu:{HIDDEN}@db/x"
    assert hide_text("http://127.0.0.1:8080/a@b") == "http://127.0.0.1:8080/a@b"


def test_secrets_are_hidden_by_their_name_however_deep() -> None:
    entry = {"event": "x", "headers": {"Authorization": "abc"}, "list": [{"api_key": 1}], "n": 3}
    assert redact(None, "info", entry) == {
        "event": "x",
        "headers": {"Authorization": HIDDEN},
        "list": [{"api_key": HIDDEN}],
        "n": 3,
    }
    assert hide("plain", "path") == "plain"


@pytest.mark.parametrize("key", ["AuthorizationKey", "StationPassword", "PUK", "Wifi_PSK"])
def test_k75_the_value_of_a_secret_configuration_key_is_hidden(key: str) -> None:
    assert hide({"key": key, "value": "hunter2"}) == {"key": key, "value": HIDDEN}
    assert hide({"configurationKey": [{"key": key, "readonly": True}]}) == {
        "configurationKey": [{"key": key, "readonly": True}]
    }


@pytest.mark.parametrize("key", ["AuthorizationCacheEnabled", "HeartbeatInterval", "AuthorizeRemoteTxRequests"])
def test_k75_the_value_of_any_other_configuration_key_is_shown(key: str) -> None:
    assert hide({"key": key, "value": "true"}) == {"key": key, "value": "true"}
