from __future__ import annotations

import base64
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.redaction import (
    MOST_SHAPES,
    REDACTED,
    FrameRedactor,
    is_secret,
    redact,
    redact_frame,
    redact_text,
    redact_value,
)

SECRET_NAMES = [
    "AuthorizationKey", "authorizationkey", "Authorization", "WifiPassword", "wifi_password", "WiFi-Passphrase",
    "FTP Password 2", "SimPin", "PUK", "Puk1", "ClientSecret", "PrivateKey", "TokenKey", "AccessToken", "ApiKey",
    "api_key", "ApnPwd", "WifiPSK", "adminPass", "SharedKey", "cloud_secret", "PASSWORD",
]  # fmt: skip
PLAIN_NAMES = [
    "AuthorizationCacheEnabled", "HeartbeatInterval", "WebSocketPingInterval", "AuthorizeRemoteTxRequests",
    "GetConfigurationMaxKeys", "idTag", "meterStart", "transactionId", "SecurityProfile",
    "CertificateStoreMaxLength", "reason", "shippingDate", "",
]  # fmt: skip

secrets = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=8, max_size=40).map(lambda s: f"§{s}§")
names = st.sampled_from(SECRET_NAMES)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_the_name_of_a_secret_is_known(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_another_name_is_none(name: str) -> None:
    assert not is_secret(name)


def test_a_configuration_value_is_shown_unless_it_is_a_secret() -> None:
    assert redact_value("HeartbeatInterval", "300") == "300"
    assert redact_value("AuthorizationKey", "hunter2") == REDACTED
    assert redact_value("AuthorizationKey", None) is None


def test_the_key_of_a_change_configuration_is_hidden_and_the_rest_is_shown() -> None:
    frame = [2, "19", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "hunter2"}]
    assert orjson.loads(redact_frame(orjson.dumps(frame))) == [
        2, "19", "ChangeConfiguration", {"key": "AuthorizationKey", "value": REDACTED},
    ]  # fmt: skip


def test_of_a_whole_configuration_only_the_secret_is_hidden() -> None:
    kept = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
    answer = {"configurationKey": [kept, {"key": "AuthorizationKey", "readonly": False, "value": "hunter2"}]}
    assert redact(answer) == {
        "configurationKey": [kept, {"key": "AuthorizationKey", "readonly": False, "value": REDACTED}]
    }


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("ftp://user:pass@host/up", f"ftp://{REDACTED}@host/up"),
        ("ftp://us@er:p/a@ss@host/up", f"ftp://{REDACTED}@host/up"),
        ("https://host/up?x=1", "https://host/up?x=1"),
        ("ftp://user:pass word@host/", f"ftp://{REDACTED}@host/"),
    ],
)
def test_user_and_password_of_a_location_are_hidden(location: str, shown: str) -> None:
    assert redact({"location": location, "retries": 3}) == {"location": shown, "retries": 3}


@pytest.mark.parametrize(
    "text",
    [
        "Basic authentication with the charge point's own key is needed.",
        "the payload broke the schema and was repaired",
        "the key must belong to the certificate",
        "http://127.0.0.1:3000/docs",
        '{"energy": 3, "key": "HeartbeatInterval", "value": "300"}',
    ],
)
def test_a_text_without_a_secret_is_shown_as_it_is(text: str) -> None:
    assert redact_text(text) == text


METER_VALUES = b'[2, "1", "MeterValues", {"connectorId":1,"transactionId":7,"meterValue":[{"timestamp":"2026-11-23"}]}]'


def test_a_frame_without_secrets_is_not_even_copied() -> None:
    assert redact_frame(METER_VALUES) is METER_VALUES
    spaced = b'[ 2,"1","ChangeConfiguration",{"key":"HeartbeatInterval","value":"300"}]'
    assert redact_frame(spaced) is spaced


def test_of_a_frame_that_cannot_be_read_only_the_head_is_shown_when_it_may_hold_a_secret() -> None:
    torn = b'[2,"19","ChangeConfiguration",{"value":"hunter2","key":"AuthorizationKey'
    assert redact_frame(torn) == b'[2,"19","ChangeConfiguration"(redacted)'
    assert redact_frame(b'[2,"1","StopTransaction",{"transactionId":,}]').endswith(b"}]")
    assert redact_frame(b"\xff\xfe password=hunter2") == b"(redacted)"


def test_a_very_deep_payload_is_hidden_where_it_is_too_deep() -> None:
    frame = b"[" * 900 + b'"password=hunter2"' + b"]" * 900
    assert b"hunter2" not in redact_frame(frame)
    nested: Any = {"password": "hunter2"}
    for _ in range(60):
        nested = {"data": json.dumps(nested)} if len(json.dumps(nested)) < 10_000 else {"data": nested}
    assert "hunter2" not in json.dumps(redact(nested))


@pytest.mark.parametrize("unit", ["://", "a", "a=", "basic ", "{", "[", "\\", "@://", "-----BEGIN "])
def test_long_texts_take_no_longer_than_they_are_long(unit: str) -> None:
    redact_text("password " + unit * (1_000_000 // len(unit)))


def escaped(text: str) -> str:
    """JSON with every character of a string spelled by its code."""
    return "".join(f"\\u{ord(character):04x}" if character.isalpha() else character for character in text)


@given(name=names, secret=secrets)
def test_a_planted_secret_never_comes_out_of_a_frame(name: str, secret: str) -> None:
    payloads: list[Any] = [
        {"key": name, "value": secret},
        {"value": secret, "key": name},
        {"configurationKey": [{"key": "Other", "value": "1"}, {"key": name, "readonly": True, "value": secret}]},
        {name: secret},
        {"deep": [{"er": {name: [secret, {"more": secret}]}}]},
        {"vendorId": "V", "messageId": f"Set{name}", "data": secret},
        {"vendorId": "V", "data": json.dumps({name: secret})},
        {"vendorId": "V", "data": json.dumps([json.dumps({"key": name, "value": secret})])},
        {"vendorId": "V", "data": f"a=1&{name}={secret}" if " " not in name else json.dumps({name: secret})},
        {"location": f"ftp://user:{secret}@10.0.0.1/diag"},
        {"firmware": {"location": f"ftp://{secret}@10.0.0.1/diag"}},
        {"data": "Authorization: Basic " + base64.b64encode(f"cp:{secret}".encode()).decode()},
    ]
    encoded = base64.b64encode(f"cp:{secret}".encode())
    for payload in payloads:
        for frame in (
            json.dumps([2, "1", "DataTransfer", payload], ensure_ascii=False).encode(),
            json.dumps([3, "1", payload]).encode(),
            json.dumps([4, "1", "InternalError", "", payload]).encode(),
            json.dumps([2, "1", "DataTransfer", payload], ensure_ascii=False).encode()[:-3],
        ):
            shown = redact_frame(frame)
            assert secret not in shown.decode(errors="replace")
            assert json.dumps(secret)[1:-1].encode() not in shown
            assert encoded not in shown
            assert secret not in json.dumps(redact(payload), ensure_ascii=False)


@given(name=names, secret=st.text(st.sampled_from("abcdef"), min_size=12))
def test_spelling_a_name_by_its_codes_hides_nothing_less(name: str, secret: str) -> None:
    frame = f'[2,"1","ChangeConfiguration",{{"k\\u0065y":"{escaped(name)}","value":"{secret}"}}]'.encode()
    assert secret.encode() not in redact_frame(frame)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip  # noqa: E501
def test_any_payload_can_be_redacted_and_twice_is_once(payload: Any) -> None:
    once = redact(payload)
    assert redact(once) == once


@given(st.binary() | st.text().map(str.encode))
def test_any_frame_can_be_redacted(frame: bytes) -> None:
    redact_frame(frame)


@given(name=names, secret=secrets, number=st.integers(0))
def test_what_was_harmless_before_says_nothing_of_the_next_frame(name: str, secret: str, number: int) -> None:
    redactor = FrameRedactor()
    harmless = f'[2,"{number}","DataTransfer",{{"vendorId":"V{number}","data":"{number}"}}]'.encode()
    assert redactor.redact(harmless) is harmless
    assert redactor.redact(harmless) is harmless
    for payload in ({name: secret}, {"key": name, "value": secret}, {"location": f"ftp://u:{secret}@h/"}):
        frame = json.dumps([2, str(number), "DataTransfer", payload], ensure_ascii=False, separators=(",", ":"))
        assert redactor.redact(frame.encode()) == redact_frame(frame.encode())
        assert secret.encode() not in redactor.redact(frame.encode())


def test_a_secret_in_a_message_id_is_hidden_too() -> None:
    frame = b'[2,"password=hunter2","Heartbeat",{}]'
    assert FrameRedactor().redact(frame) == redact_frame(frame) == b'[2,"password=(redacted)","Heartbeat",{}]'


def test_the_shapes_that_are_remembered_are_bounded() -> None:
    redactor = FrameRedactor()
    for number in range(3 * MOST_SHAPES):
        tag = "".join(chr(97 + int(digit)) for digit in str(number))
        redactor.redact(f'[2,"1","Authorize",{{"idTag":"{tag}"}}]'.encode())
    assert len(redactor._harmless) <= MOST_SHAPES


@given(st.text())
def test_any_text_can_be_redacted(text: str) -> None:
    redact_text(text)


@pytest.mark.parametrize("raw", [b'[2,"stping', b'[2,"the password is 1234', b'[3,"pin', b'[2,"'])
def test_a_frame_whose_message_id_never_ends_is_redacted_like_any_other(raw: bytes) -> None:
    assert FrameRedactor().redact(raw) == redact_frame(raw)
