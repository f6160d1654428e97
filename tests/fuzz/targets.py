"""What is fuzzed without input and output: each target takes any bytes, and may raise nothing but what it promises."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from edge.central_system.identity import from_path
from edge.central_system.station_security import read_basic
from edge.domain import meter_values, timestamps
from edge.domain.redaction import FrameRedactor, redact_frame, redact_text
from edge.errors import RemoteProtocolError
from edge.ocpp16.actions import FROM_CHARGE_POINT
from edge.ocpp16.intake import take
from edge.ocppj.frames import Call, parse
from edge.ocppj.repairs import EVERY_REPAIR
from edge.ocppj.session import Session
from tests.unit.edge.requests import VALID

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_redactor = FrameRedactor()


def wire(data: bytes) -> None:
    """A WebSocket message: parsed, repaired, answered, handed on."""
    for text in (data, data.decode("utf-8", "replace")):
        session = Session()
        session.repairs = EVERY_REPAIR
        session.call("gardu-1", "Reset", {"type": "Soft"})
        received = session.receive(text)
        if isinstance(received, Call):
            session.answer(received, {})
            session.refuse(received.message_id, "InternalError", "why")
            _handed_on(received.action, received.payload, received.doubt)
        session.receive(text)
    with contextlib.suppress(RemoteProtocolError):
        parse(data)


def payload(data: bytes) -> None:
    """A payload for every action: the first byte chooses."""
    actions = [*FROM_CHARGE_POINT, "Unknown"]
    try:
        value = orjson.loads(data[1:])
    except orjson.JSONDecodeError:
        return
    _handed_on(actions[(data[0] if data else 0) % len(actions)], value, None)


def _handed_on(action: str, value: Any, doubt: str | None) -> None:
    try:
        intake = take(action, value, doubt)
    except RemoteProtocolError:
        return
    assert isinstance(intake.payload, dict)
    read = meter_values.read(intake.payload.get("meterValue", intake.payload.get("transactionData")), NOW)
    for reading in read.readings:
        meter_values.register_wh(reading.samples)
    timestamps.iso(timestamps.read(intake.payload.get("timestamp"), NOW).at)


def time_stamp(data: bytes) -> None:
    """A time as a charge point writes it."""
    text = data.decode("utf-8", "replace")
    timestamps.iso(timestamps.read(text, NOW).at)
    timestamps.read_text(text, NOW)
    timestamps.canonical(text)


def url(data: bytes) -> None:
    """A request path."""
    identity = from_path(data.decode("latin-1"))
    assert identity is None or identity.isprintable()


def basic(data: bytes) -> None:
    """An Authorization header."""
    for header in (data.decode("latin-1"), "Basic " + data.decode("latin-1")):
        read_basic(header)


def secrets(data: bytes) -> None:
    """What may be shown of a frame is the same with and without memory."""
    assert _redactor.redact(data) == redact_frame(data)
    redact_text(data.decode("utf-8", "replace"))


TARGETS: tuple[Callable[[bytes], None], ...] = (wire, payload, time_stamp, url, basic, secrets)

FRAMES = tuple(
    [orjson.dumps([2, f"m{number}", action, request]) for number, (action, request) in enumerate(VALID.items())]
    + [
        b'[3,"gardu-1",{"status":"Accepted"}]',
        b'[4,"gardu-1","NotSupported","",{}]',
        b'[2,"1","StopTransaction",{"transactionId":,"meterStop":1}]',
        b"[,{",
        b'[2,"1","Heartbeat",null]',
        b'[9,"1"]',
        b"",
        b'[2,"1","StartTransaction",{"connectorId":"1","idTag":7,"meterStart":1.0,"timestamp":"2026-03-01 12:00"}]',
    ]
)
UPGRADES = (
    (
        b"GET /ocpp/FUZZ1 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: ocpp1.6\r\n"
        b"Authorization: Basic RlVaWjE6aHVudGVyMg==\r\n\r\n"
    ),
    (
        b"GET /a/b//%2e%2E/%00?x#y HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
        b"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Protocol: ocpp1.5, ocpp2.0\r\n\r\n"
    ),
)
SEEDS = (*FRAMES, *UPGRADES, b"/ocpp/CP%201/?x=1", b"Basic MTIzOjEyMw==", b"2026-03-01T12:00:00.000+02:00")
