"""Frames as charge points write them: what is answered, what is kept, and that nothing breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.conformance.conftest import CHARGE_POINT, Site
from tests.harness.wire import SOON_S, Wire, basic, wired

AT = "2026-03-01T12:00:00Z"
CLIENTS = "central-system/clients"
ODD = ("FormationViolation", "OccurenceConstraintViolation")
"""The codes that OCPP 2.0.1 spells otherwise."""
START = {"connectorId": 1, "idTag": "12345", "meterStart": 10, "timestamp": AT}
STOP = {"transactionId": 999_999, "meterStop": 25, "timestamp": AT}
METER = {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": "1"}]}]}
CODES = [
    ("NotImplemented", "NotImplemented"),
    ("NotSupported", "NotSupported"),
    ("InternalError", "InternalError"),
    ("ProtocolError", "ProtocolError"),
    ("SecurityError", "SecurityError"),
    ("FormationViolation", "FormationViolation"),
    ("FormatViolation", "FormationViolation"),
    ("PropertyConstraintViolation", "PropertyConstraintViolation"),
    ("OccurenceConstraintViolation", "OccurenceConstraintViolation"),
    ("OccurrenceConstraintViolation", "OccurenceConstraintViolation"),
    ("TypeConstraintViolation", "TypeConstraintViolation"),
    ("GenericError", "GenericError"),
    ("RpcFrameworkError", "GenericError"),
    ("MessageTypeNotSupported", "GenericError"),
    ("Explosion", "GenericError"),
]


@pytest.fixture
async def wire(site: Site) -> AsyncIterator[Wire]:
    async with wired(f"{site.edge.ws_url}/{CHARGE_POINT}", basic(CHARGE_POINT, site.password)) as wire:
        await wire.boot()
        yield wire


async def exchange(wire: Wire, frame: str | bytes) -> list[Any]:
    await wire.websocket.send(frame)
    return await wire.frame()


async def quarantined(api: httpx.AsyncClient, part: str) -> dict[str, Any]:
    """Wait until a frame that holds `part` is in quarantine."""
    async with asyncio.timeout(SOON_S):
        while True:
            items = (await api.get("quarantine", params={"charge_point": CHARGE_POINT})).json()["items"]
            for item in items:
                if part in item["raw"]:
                    found: dict[str, Any] = item
                    return found
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("action", ["Explode", "heartbeat", "NotifyEvent"])
async def test_k23_an_unknown_action_is_not_implemented(wire: Wire, action: str) -> None:
    frame = await wire.call(action, {})
    assert (len(frame), frame[0], frame[2], frame[4]) == (5, 4, "NotImplemented", {})


@pytest.mark.parametrize("action", ["Reset", "SendLocalList", "GetLog"])
async def test_k23_an_action_of_the_other_side_is_not_supported(wire: Wire, action: str) -> None:
    frame = await wire.call(action, {})
    assert (len(frame), frame[0], frame[2], frame[4]) == (5, 4, "NotSupported", {})


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('[2,"1","Authorize",{}]', "OccurenceConstraintViolation"),
        ('[2,"1","Authorize",{"idTag":["A"]}]', "TypeConstraintViolation"),
        ('[2,"1",Authorize,{"idTag":"A"}]', "FormationViolation"),
        ('[2,"1"]', "ProtocolError"),
    ],
)
async def test_k23_codes_are_spelled_as_in_1_6_and_a_call_error_has_five_elements(
    wire: Wire, frame: str, code: str
) -> None:
    answer = await exchange(wire, frame)
    assert answer[:3] == [4, "1", code]
    assert len(answer) == 5
    assert answer[4] == {}


async def test_k24_every_error_code_of_a_charge_point_is_understood(wire: Wire, api: httpx.AsyncClient) -> None:
    for sent, read in CODES:
        asking = asyncio.create_task(api.post(f"{CLIENTS}/{CHARGE_POINT}/clear-cache", json={}))
        call = await wire.frame()
        await wire.websocket.send(json.dumps([4, call[1], sent, "why", {}]))
        document = (await asking).json()
        assert document["ocpp_code"] == read
        assert document["ocpp_description"] == ("why" if read in (sent, *ODD) else f"{sent}: why")


@pytest.mark.parametrize("payload", ["null", "{}"])
async def test_k25_a_null_payload_is_an_empty_one(wire: Wire, payload: str) -> None:
    answer = await exchange(wire, f'[2,"n","Heartbeat",{payload}]')
    assert answer[:2] == [3, "n"]
    assert "currentTime" in answer[2]


@pytest.mark.parametrize("message_id", [7, 0, -1, 1.5, "x" * 60, "7", "offline-1", "ü 日本", ""])
async def test_k25_a_message_id_is_echoed_exactly(wire: Wire, message_id: str | float) -> None:
    answer = await exchange(wire, json.dumps([2, message_id, "Heartbeat", {}]))
    assert answer[1] == message_id
    assert type(answer[1]) is type(message_id)


@pytest.mark.parametrize(
    ("frame", "kept"),
    [
        ("no json 26", True),
        ('{"json":26}', True),
        ("[26]", True),
        ('[2,{"id":26},"Heartbeat",{}]', True),
        ('[9,"26","Heartbeat",{}]', True),
        (b"\xff\x01binary 26", True),
        ("[" * 2600, True),
        ("", False),
        (b"", False),
        ('[3,"26",{}]', False),
    ],
)
async def test_k26_what_says_nothing_leaves_the_connection_up_and_is_kept(
    site: Site, wire: Wire, api: httpx.AsyncClient, frame: str | bytes, *, kept: bool
) -> None:
    await wire.websocket.send(frame)
    assert "currentTime" in await wire.result("Heartbeat", {})
    if kept:
        text = frame if isinstance(frame, str) else frame.decode(errors="replace")
        assert (await quarantined(api, text))["reason"]


async def test_k26_a_binary_frame_with_json_is_heard(wire: Wire) -> None:
    assert (await exchange(wire, b'[2,"b","Heartbeat",{}]'))[:2] == [3, "b"]


async def test_k26_broken_frames_of_one_disturb_no_other(site: Site, wire: Wire) -> None:
    key = await asyncio.to_thread(site.edge.add_charge_point, "K26")
    async with wired(f"{site.edge.ws_url}/K26", basic("K26", key)) as broken:
        await broken.boot()
        for number in range(500):
            await broken.websocket.send(f'[2,"{number}","StopTransaction",{{"transactionId":,')
        assert "currentTime" in await wire.result("Heartbeat", {})
        for number in range(500):
            assert (await broken.frame())[:2] == [3, str(number)]


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        ('[2,"26a","StopTransaction",{"transactionId":,"meterStop":5}]', {}),
        ('[2,"26b","MeterValues",{"connectorId":1,"meterValue":[,{"timestamp":"2026-03-01T12:00:00Z"}]}]', {}),
        ('[2,26,"MeterValues",{"connectorId":1,"meterValue":[{{{', {}),
        ('[2,"26c","StopTransaction",{"transactionId":7,"meter', {}),
    ],
)
async def test_k26_a_broken_record_gets_a_good_answer_and_is_kept(
    wire: Wire, api: httpx.AsyncClient, frame: str, answer: object
) -> None:
    got = await exchange(wire, frame)
    assert got[0] == 3
    assert got[2] == answer
    assert "no JSON" in (await quarantined(api, frame))["reason"]


async def test_k26_a_broken_start_is_read_as_far_as_it_goes(wire: Wire, api: httpx.AsyncClient) -> None:
    frame = '[2,"s","StartTransaction",{"connectorId":1,"idTag":"12345","meterStart":10,"timestamp":2026-03-01}]'
    answer = await exchange(wire, frame)
    assert answer[:2] == [3, "s"]
    assert answer[2]["idTagInfo"]["status"] == "Accepted"
    transaction = (await api.get(f"transactions/{answer[2]['transactionId']}")).json()
    assert (transaction["id_tag"], transaction["meter_start_wh"]) == ("12345", 10)
    await wire.result(
        "StopTransaction", {"transactionId": answer[2]["transactionId"], "meterStop": 11, "timestamp": AT}
    )


@pytest.mark.parametrize("action", ["StartTransaction", "StopTransaction", "MeterValues"])
async def test_k27_the_same_message_twice_gets_the_same_answer_and_has_one_effect(
    wire: Wire, api: httpx.AsyncClient, action: str
) -> None:
    payload = {"StartTransaction": START | {"meterStart": 27}, "StopTransaction": STOP, "MeterValues": METER}[action]
    frame = json.dumps([2, "again", action, payload])
    first = await exchange(wire, frame)
    transactions = len((await api.get("transactions", params={"limit": 1000})).json()["items"])
    assert await exchange(wire, frame) == first
    assert len((await api.get("transactions", params={"limit": 1000})).json()["items"]) == transactions


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("BootNotification", {"chargePointVendor": "v" * 30, "chargePointModel": "28a", "extra": 1}),
        ("BootNotification", {"chargePointModel": "28b"}),
        ("StatusNotification", {"connectorId": "28", "errorCode": "Mode3Error", "status": "Occupied"}),
        ("StatusNotification", {"connectorId": 28, "errorCode": "NoError", "status": "Melting"}),
        ("StartTransaction", START | {"meterStart": "28", "vendorExtra": True}),
        ("StopTransaction", STOP | {"meterStop": "28 Wh"}),
        (
            "StopTransaction",
            STOP | {"transactionData": [{"timestamp": AT, "sampledValue": [{"value": "28", "unit": "Hz"}]}]},
        ),
        ("MeterValues", {"connectorId": 28, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": 16.28}]}]}),
        ("Authorize", {"idTag": 28}),
        ("Heartbeat", {"uptime": 28}),
    ],
)
async def test_k28_what_is_written_oddly_gets_a_good_answer_and_its_frame_is_kept(
    wire: Wire, api: httpx.AsyncClient, action: str, payload: dict[str, Any]
) -> None:
    frame = json.dumps([2, "k28", action, payload])
    assert (await exchange(wire, frame))[:2] == [3, "k28"]
    assert (await quarantined(api, frame))["charge_point"] == CHARGE_POINT


async def test_k28_a_configuration_value_of_600_characters_is_taken(wire: Wire, api: httpx.AsyncClient) -> None:
    asking = asyncio.create_task(api.post(f"{CLIENTS}/{CHARGE_POINT}/get-configuration", json={}))
    call = await wire.frame()
    assert call[2] == "GetConfiguration"
    keys = [{"key": "Long", "readonly": "false", "value": "x" * 600}, {"key": "None", "readonly": True}]
    await wire.websocket.send(json.dumps([3, call[1], {"configurationKey": keys, "extra": 1}]))
    answer = await asking
    assert answer.status_code == 200, answer.text
    assert "x" * 600 in answer.text
