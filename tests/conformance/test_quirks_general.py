"""What some charge points do and needs no flag: what is done about it is done for every charge point."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from contract.events import TransactionStarted
from edge.ocpp16.intake import take
from edge.ocppj.frames import Call
from edge.ocppj.session import Ignored, Reply, Session
from edge.operations.from_charge_point import dispatch
from edge.operations.from_charge_point.request import Request
from edge.store import connectors
from tests.integration.edge.played_site import CP1, PlayedSite

AT = "2026-03-01T12:00:00Z"


@dataclass
class Talk:
    """A charge point's frames through the real session, intake, handlers and store."""

    played: PlayedSite
    session: Session = field(default_factory=Session)

    def hear(self, frame: str | bytes) -> Any:
        """Answer a frame as the edge does; `None`: there is no answer."""
        received = self.session.receive(frame)
        if isinstance(received, Reply):
            return json.loads(received.text)
        if isinstance(received, Ignored):
            return None
        assert isinstance(received, Call)
        intake = take(received.action, received.payload, received.doubt)
        raw = frame.encode() if isinstance(frame, str) else frame
        request = Request(
            CP1, received.action, intake.payload, raw, intake.doubt, self.played.policy, answer=intake.answer
        )
        now = self.played.clock.now()
        return json.loads(
            self.session.answer(received, self.played.write(lambda tx: dispatch.handle(request, tx, now)))
        )

    def start(self) -> int:
        frame = [
            2,
            "start",
            "StartTransaction",
            {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": AT},
        ]
        return int(self.hear(json.dumps(frame))[2]["transactionId"])

    def samples(self) -> list[dict[str, Any]]:
        """What is stored, oldest first."""
        stored = self.played.connection.execute("SELECT samples FROM meter_value ORDER BY sampled_at")
        return [sample for row in stored for sample in orjson.loads(row["samples"])]

    def status(self, connector_id: int) -> str:
        found = {state.connector_id: state.status for state in connectors.of_charge_point(self.played.connection, CP1)}
        return found[connector_id]


@pytest.fixture
def talk(played: PlayedSite) -> Talk:
    return Talk(played)


def metered(*samples: dict[str, Any], connector_id: object = 1) -> str:
    """MeterValues under the id `m`."""
    value = [{"timestamp": AT, "sampledValue": samples}]
    return json.dumps([2, "m", "MeterValues", {"connectorId": connector_id, "meterValue": value}])


def test_an_empty_list_of_samples_is_answered_and_holds_nothing(talk: Talk) -> None:
    assert talk.hear(metered()) == [3, "m", {}]
    assert talk.samples() == []


def test_an_empty_frame_says_nothing_and_null_is_an_empty_payload(talk: Talk) -> None:
    assert talk.hear("") is None
    assert talk.hear('[2,"h","Heartbeat",null]')[:2] == [3, "h"]
    assert talk.hear('[2,"m","MeterValues",null]') == [3, "m", {}]


def test_numbers_stand_for_text_and_text_for_numbers(talk: Talk) -> None:
    assert talk.hear(metered({"value": 230.5, "measurand": "Voltage"}, connector_id="1")) == [3, "m", {}]
    assert [sample["value"] for sample in talk.samples()] == ["230.5"]


def test_numbers_may_be_padded_and_any_origin_comes_in(talk: Talk) -> None:
    """The header Origin is sent by the row Enercab in its own frames."""
    talk.start()
    assert talk.hear(metered({"value": "  16.5 "})) == [3, "m", {}]
    assert [sample["value"] for sample in talk.samples()] == ["16.5"]


def test_a_boot_under_the_same_message_id_is_answered_each_time(talk: Talk) -> None:
    frame = '[2,"same","BootNotification",{"chargePointVendor":"METRON","chargePointModel":"ME3"}]'
    assert [talk.hear(frame)[2]["status"] for _ in range(3)] == ["Accepted"] * 3


def test_hertz_is_a_unit(talk: Talk) -> None:
    assert talk.hear(metered({"value": "50", "measurand": "Frequency", "unit": "Hz"})) == [3, "m", {}]
    assert talk.samples()[0]["unit"] == "Hertz"


def test_two_connectors_charge_at_once(talk: Talk) -> None:
    first = talk.start()
    frame = f'[2,"2","StartTransaction",{{"connectorId":2,"idTag":"OTHER","meterStart":7,"timestamp":"{AT}"}}]'
    second = talk.hear(frame)[2]["transactionId"]
    assert talk.played.transaction(first).open
    assert talk.played.transaction(second).open


def test_a_retry_under_another_message_id_gets_the_same_number(talk: Talk) -> None:
    number = talk.start()
    frame = f'[2,"other","StartTransaction",{{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"{AT}"}}]'
    assert talk.hear(frame)[2]["transactionId"] == number


def test_reservation_zero_is_none(talk: Talk) -> None:
    payload = {"connectorId": 1, "idTag": "TAG", "meterStart": 1, "timestamp": AT, "reservationId": 0}
    number = talk.hear(json.dumps([2, "s", "StartTransaction", payload]))[2]["transactionId"]
    (event,) = talk.played.events(TransactionStarted)
    assert (event.transaction_id, event.reservation_id) == (number, None)


def test_message_ids_may_begin_anew_with_each_connection(talk: Talk) -> None:
    payload = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing", "info": '{"a":1}'}
    assert talk.hear(json.dumps([2, "4", "StatusNotification", payload])) == [3, "4", {}]
    talk.session = Session()
    payload["status"] = "Finishing"
    assert talk.hear(json.dumps([2, "4", "StatusNotification", payload])) == [3, "4", {}]
    assert talk.status(1) == "Finishing"


@pytest.mark.parametrize("status", ["Preparing", "Charging", "Finishing"])
def test_a_state_that_connector_0_cannot_have_changes_nothing(talk: Talk, status: str) -> None:
    for told, kept in (("Unavailable", "Unavailable"), (status, "Unavailable"), ("Available", "Available")):
        payload = {"connectorId": 0, "errorCode": "NoError", "status": told}
        assert talk.hear(json.dumps([2, told, "StatusNotification", payload])) == [3, told, {}]
        assert talk.status(0) == kept
